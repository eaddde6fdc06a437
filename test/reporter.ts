import type { Reporter, TestCase, TestModule, TestRunEndReason, TestSpecification, Vitest } from 'vitest/node';
import { faultsOf, listSkipped, type Skipped } from './skipped.ts';

/** Says how long a run of all tests takes before it begins, and what was skipped once it has ended. */
export default class implements Reporter {
  #vitest: Vitest | undefined;
  /** Whether nothing was filtered out: what a filter leaves out is skipped as well. */
  #isWhole = false;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  async onTestRunStart(specifications: readonly TestSpecification[]): Promise<void> {
    const all = await this.#vitest?.globTestSpecifications();
    this.#isWhole = specifications.length === all?.length && !this.#vitest?.config.testNamePattern;
    if (!this.#isWhole) return;
    console.log(
      process.env['CI']
        ? 'Runs all tests in full, since CI is set: 6 to 7 minutes on 2 cores.'
        : 'Runs all tests: about 4 minutes on 2 cores. With CI=true, random tests repeat more often.',
    );
  }

  onTestRunEnd(modules: readonly TestModule[], _errors: unknown, reason: TestRunEndReason): void {
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')].map(toSkipped));
    for (const line of listSkipped(skipped)) console.log(line);
    // Where a hook failed, the tests behind it are skipped, too.
    if (!this.#isWhole || reason !== 'passed') return;
    const faults = faultsOf(skipped, Boolean(process.env['CI']));
    if (faults.length === 0) return;
    for (const fault of faults) console.error(fault);
    process.exitCode = 1;
  }
}

function toSkipped(test: TestCase): Skipped {
  const result = test.result();
  return {
    name: `${test.module.relativeModuleId} > ${test.fullName}`,
    note: result.state === 'skipped' ? result.note : undefined,
  };
}
