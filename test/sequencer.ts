import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The folders whose files take longest, most of it waiting. */
const LONG = /\/test\/(?:chaos|docs|infra\/build|local)\//;

/** Begins with the files that take longest, so that no worker is left with one of them at the end. */
export default class extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
