/** A test that was skipped, with the reason that it gave. */
export interface Skipped {
  /** Its file and its title. */
  readonly name: string;
  readonly note: string | undefined;
}

/** How many tests that were skipped without a reason are named. */
const NAMED = 10;

/** The lines that a run ends with: how many tests were skipped, by what they need. */
export function listSkipped(skipped: readonly Skipped[]): string[] {
  const byNeed = Map.groupBy(skipped.filter(isExplained), ({ note }) => note.slice(NEEDS.length));
  const groups = [...byNeed].map(([need, tests]) => ({ need, count: tests.length })).sort((a, b) => b.count - a.count);
  const total = groups.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return [];
  const width = `${groups[0]?.count}`.length;
  return [
    `Skipped ${total === 1 ? '1 test' : `${total} tests`}:`,
    ...groups.map(({ need, count }) => `  ${`${count}`.padStart(width)} ${count === 1 ? 'needs' : 'need'} ${need}`),
  ];
}

/** Why a run must fail for what it skipped, as lines; none where it need not. */
export function faultsOf(skipped: readonly Skipped[], onCI: boolean): string[] {
  const unexplained = skipped.filter((test) => !isExplained(test)).map(({ name }) => name);
  const faults: string[] = [];
  if (unexplained.length > 0) {
    const more = unexplained.length - NAMED;
    faults.push(
      'The run fails, since tests were skipped that name no need (use testWith of test/test-with.ts):',
      ...unexplained.slice(0, NAMED).map((name) => `  ${name}`),
      ...(more > 0 ? [`  and ${more} more`] : []),
    );
  }
  if (onCI && skipped.length > unexplained.length) faults.push('The run fails, since on CI no test may be skipped.');
  return faults;
}

const NEEDS = 'needs ';

function isExplained(test: Skipped): test is Skipped & { readonly note: string } {
  return test.note?.startsWith(NEEDS) ?? false;
}
