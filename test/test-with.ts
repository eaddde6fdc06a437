import { type TestAPI, test } from 'vitest';
import { describeNeed, type Need, unmet } from './needs.ts';

/** Makes tests that run where their needs are met; elsewhere they are skipped, and the end of the run lists what to install. */
export function testWith(...needs: readonly [Need, ...Need[]]): TestAPI {
  const [need] = unmet(needs);
  if (need === undefined) return test;
  return test.extend('skipped', { auto: true }, ({ skip }) =>
    skip(`needs ${describeNeed(need)}`),
  ) as unknown as TestAPI;
}
