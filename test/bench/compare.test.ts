import { readFile } from 'node:fs/promises';
import { describe, expect, inject, test } from 'vitest';
import { compare, type Outcome } from '../../bench/compare/compare.ts';
import { eventsOf, leavesNoState, planOf } from '../../bench/compare/jobs.ts';
import { SCENARIOS, type ScenarioName, type Sizes } from '../../bench/compare/scenarios.ts';
import { WAYS, type WayName } from '../../bench/compare/ways.ts';
import { startStack } from '../../local/stack.ts';

const CAP = 10_000;

/** As small as still shows it: a start needs more jobs than the workers do at once, trimming more than two nodes of a stream. */
const SIZES: Readonly<Record<ScenarioName, Sizes>> = {
  startUp: { before: 0, during: 100, after: 0, maxLen: CAP },
  downtime: { before: 20, during: 40, after: 20, maxLen: CAP },
  trimmed: { before: 20, during: 400, after: 20, maxLen: 100 },
  malformed: { before: 20, during: 40, after: 20, maxLen: CAP },
  killed: { before: 20, during: 20, after: 20, maxLen: CAP },
};

const played = new Map<string, Promise<Outcome>>();

/** Plays a scenario on a way once, for all tests that look at its outcome. */
function play(scenario: ScenarioName, way: WayName): Promise<Outcome> {
  const key = `${scenario} ${way}`;
  const outcome =
    played.get(key) ??
    compare(scenario, way, {
      redisUrl: inject('redisUrl'),
      sizes: SIZES[scenario],
      startStack: (environment) =>
        startStack({ redisUrl: inject('redisUrl'), dynamoUrl: inject('dynamoUrl'), environment }),
    });
  played.set(key, outcome);
  return outcome;
}

/** What jobs were to do, from one number up to another. */
const eventsFrom = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => eventsOf(planOf(from + i))).flat();
const beforeOf = ({ before }: Sizes) => eventsFrom(0, before);
const duringOf = ({ before, during }: Sizes) => eventsFrom(before, before + during);
const afterOf = ({ before, during, after }: Sizes) => eventsFrom(before + during, before + during + after);

const NOTHING_WRONG = { missed: [], unaccounted: 0, again: 0, remarks: [] };

describe('bullbridge', () => {
  test.each(Object.keys(SCENARIOS) as ScenarioName[])(
    '%s: delivers or counts each event that the workers saw',
    async (scenario) => {
      const { seenByWorkers, heard, missed, written, account, unaccounted, unmarked } = await play(
        scenario,
        'bullbridge',
      );

      expect(unaccounted).toBe(0);
      expect(account?.entries).toBe(written);
      const unheard = seenByWorkers.filter((key) => !heard.has(key));
      expect(unheard.length).toBeLessThanOrEqual(account?.lost ?? 0);
      expect(missed.filter((key) => !leavesNoState(key))).toEqual([]);
      expect(unmarked).toBe(0);
    },
  );

  test.each(['startUp', 'downtime', 'malformed', 'killed'] as const)(
    '%s: delivers every event once',
    async (scenario) => {
      const remarks = scenario === 'malformed' ? ['1 event with `unparsed`'] : [];

      expect(await play(scenario, 'bullbridge')).toMatchObject({ ...NOTHING_WRONG, remarks });
    },
  );

  test('trimmed: reports how many events are gone for good', async () => {
    const { missed, account, remarks } = await play('trimmed', 'bullbridge');

    expect(missed.length).toBeGreaterThan(0);
    expect(account?.lost).toBeGreaterThan(missed.length);
    expect(remarks[0]).toMatch(/Events Lost/);
  });
});

describe('QueueEvents from $', () => {
  test('misses events while it connects, and does not report it', async () => {
    const { missed, unaccounted, remarks } = await play('startUp', 'QueueEvents from `$`');

    expect(missed.length).toBeGreaterThan(0);
    expect(unaccounted).toBe(missed.length);
    expect(remarks).toEqual([]);
  });

  test.each(['downtime', 'trimmed'] as const)(
    '%s: misses every event while it is down, and does not report it',
    async (scenario) => {
      const { missed, again, remarks } = await play(scenario, 'QueueEvents from `$`');

      expect(missed).toEqual(duringOf(SIZES[scenario]));
      expect({ again, remarks }).toEqual({ again: 0, remarks: [] });
    },
  );

  test('receives nothing after a malformed entry until it is restarted', async () => {
    const { missed, remarks } = await play('malformed', 'QueueEvents from `$`');

    expect(missed).toEqual(duringOf(SIZES.malformed));
    expect(remarks).toEqual([expect.stringMatching(/^1 × `error`/)]);
  });
});

describe('QueueEvents from 0-0', () => {
  test('misses nothing at its first start', async () => {
    expect(await play('startUp', 'QueueEvents from `0-0`')).toMatchObject(NOTHING_WRONG);
  });

  test('receives every entry that is still in the stream again after a restart', async () => {
    const { missed, again } = await play('downtime', 'QueueEvents from `0-0`');

    expect({ missed, again }).toEqual({ missed: [], again: beforeOf(SIZES.downtime).length });
  });

  test('misses trimmed events, and does not report it', async () => {
    const { missed, unaccounted, remarks } = await play('trimmed', 'QueueEvents from `0-0`');

    expect(missed.length).toBeGreaterThan(0);
    expect({ unaccounted, remarks }).toEqual({ unaccounted: missed.length, remarks: [] });
  });

  test('stops at a malformed entry after each start', async () => {
    const { missed, remarks } = await play('malformed', 'QueueEvents from `0-0`');

    expect(missed).toEqual([...duringOf(SIZES.malformed), ...afterOf(SIZES.malformed)]);
    expect(remarks).toEqual([expect.stringMatching(/^2 × `error`/)]);
  });
});

describe('QueueEvents with a saved ID', () => {
  test('misses events while it connects for the first time, because there is no ID yet', async () => {
    expect((await play('startUp', 'QueueEvents with a saved ID')).missed.length).toBeGreaterThan(0);
  });

  test('misses nothing of a downtime that is shorter than the retention of the stream', async () => {
    expect(await play('downtime', 'QueueEvents with a saved ID')).toMatchObject(NOTHING_WRONG);
  });

  test('misses trimmed events, and does not report it', async () => {
    const { missed, unaccounted, remarks } = await play('trimmed', 'QueueEvents with a saved ID');

    expect(missed.length).toBeGreaterThan(0);
    expect({ unaccounted, remarks }).toEqual({ unaccounted: missed.length, remarks: [] });
  });

  test('never gets past a malformed entry', async () => {
    const { missed, again, remarks } = await play('malformed', 'QueueEvents with a saved ID');

    expect(missed).toEqual([...duringOf(SIZES.malformed), ...afterOf(SIZES.malformed)]);
    expect(again).toBe(0);
    expect(remarks).toEqual([expect.stringMatching(/^2 × `error`/)]);
  });
});

describe('Worker events', () => {
  test.each(['startUp', 'downtime', 'trimmed', 'malformed'] as const)(
    '%s: do not depend on the stream',
    async (scenario) => {
      const { missed, unaccounted, again } = await play(scenario, 'Worker events');

      expect({ missed, unaccounted, again }).toEqual({ missed: [], unaccounted: 0, again: 0 });
    },
  );

  test('are lost with a worker that is killed between the end of a job and its listeners', async () => {
    const { missed } = await play('killed', 'Worker events');

    expect(missed).toEqual(duringOf(SIZES.killed).filter((key) => !key.startsWith('progress:')));
  });
});

test('each reader of the stream receives the events of a killed worker', async () => {
  for (const way of ['QueueEvents from `$`', 'QueueEvents from `0-0`', 'QueueEvents with a saved ID'] as const) {
    expect(await play('killed', way), way).toMatchObject(NOTHING_WRONG);
  }
});

describe('QueueEvents and a scan', () => {
  test.each(['startUp', 'downtime', 'trimmed', 'malformed'] as const)(
    '%s: find each end of a job that left its state',
    async (scenario) => {
      const { missed, unaccounted } = await play(scenario, 'QueueEvents and a scan');

      expect(missed.length).toBeGreaterThan(0);
      expect(missed.filter((key) => !leavesNoState(key))).toEqual([]);
      expect(unaccounted).toBe(missed.length);
    },
  );

  test('repeat the ends since the last scan before a restart, without a mark', async () => {
    const { again, unmarked } = await play('downtime', 'QueueEvents and a scan');

    expect(again).toBe(beforeOf(SIZES.downtime).filter((key) => !leavesNoState(key)).length);
    expect(unmarked).toBe(again);
  });
});

test('the page has the figures of each scenario and of each way', async () => {
  const page = await readFile(new URL('../../docs/vs-queue-events.md', import.meta.url), 'utf8');

  for (const { title } of Object.values(SCENARIOS)) expect(page).toContain(`### ${title}\n`);
  for (const way of Object.keys(WAYS)) {
    expect(page.split(`| ${way} | `).length - 1, way).toBe(Object.keys(SCENARIOS).length);
  }
});
