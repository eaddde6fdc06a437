import { beforeEach, type TestAPI, test } from 'vitest';
import { describeNeed, type Need, unmet } from './needs.ts';

/**
 * Makes tests that run where their needs are met; elsewhere they are skipped, and the end of the run lists what to
 * install.
 */
export function testWith(...needs: readonly [Need, ...Need[]]): TestAPI {
  const [need] = unmet(needs);
  if (need === undefined) return test;
  return test.extend('skipped', { auto: true }, ({ skip }) =>
    skip(`needs ${describeNeed(need)}`),
  ) as unknown as TestAPI;
}

/** Skips the tests of a file or a suite where their needs are not met, as {@link testWith} does. */
export function skipWithout(...needs: readonly [Need, ...Need[]]): void {
  const [need] = unmet(needs);
  if (need) beforeEach(({ skip }) => skip(`needs ${describeNeed(need)}`));
}

/** Makes tests of an ACL's rules, where the server knows them and the further needs are met. */
export function testWithRules(rules: string, ...needs: readonly Need[]): TestAPI {
  const [need, ...others] = rules.startsWith('%R') ? [...needs, 'counting server' as const] : needs;
  return need ? testWith(need, ...others) : test;
}
