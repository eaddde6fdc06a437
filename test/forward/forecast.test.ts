import { describe, expect, test } from 'vitest';
import type { Arrival } from '../../functions/forward/arrivals.ts';
import { queuesOutrunning } from '../../functions/forward/forecast.ts';
import type { StreamCapacity } from '../../functions/forward/stream-capacity.ts';
import type { AtEntry } from '../../functions/stream/position.ts';

const NOW = 1_795_398_834_833;
const INTERVAL = 60_000;
const at = (ms: number, ordinal: number): AtEntry => ({ kind: 'entry', id: `${ms}-0`, ordinal, digest: 'x' });
const state = (length: number, span: number) => ({
  length,
  entriesAdded: length,
  firstId: `${NOW - span}-0`,
  lastId: `${NOW}-0`,
  deleted: false,
});
const IDLE: StreamCapacity = { entries: 10_000, state: state(10, 3_600_000) };

interface Case {
  readonly arrival?: Partial<Arrival>;
  readonly capacity?: StreamCapacity;
  readonly position?: AtEntry;
  readonly anchors?: readonly AtEntry[];
}

/** Whether a queue is too busy, and whether Redis was asked for it. */
async function look({ arrival, capacity = IDLE, position = at(NOW, 100), anchors = [] }: Case) {
  const asked: string[] = [];
  const capacitiesOf = async (queues: readonly string[]) => {
    asked.push(...queues);
    return new Map(queues.map((queue) => [queue, capacity]));
  };
  const arrivals = new Map(arrival ? [['q', { most: 1, rate: 0, overran: false, ...arrival }]] : []);
  const cursors = [{ queue: 'q', position, anchors }];
  const busy = await queuesOutrunning(capacitiesOf, { cursors, arrivals, interval: INTERVAL, now: new Date(NOW) });
  return { isBusy: busy.length > 0, isAsked: asked.length > 0 };
}

describe('a queue outruns the schedule', () => {
  test('if half of the capacity of its stream comes within an interval, in its busiest stretch', async () => {
    expect(await look({ arrival: { rate: 5000 / INTERVAL } })).toMatchObject({ isBusy: false });
    expect(await look({ arrival: { rate: 5001 / INTERVAL } })).toMatchObject({ isBusy: true });
  });

  test('if its stream fills as fast, whatever this run has seen', async () => {
    expect(await look({ capacity: { entries: 10_000, state: state(10_000, 110_000) } })).toMatchObject({
      isBusy: true,
    });
    expect(await look({ capacity: { entries: 10_000, state: state(10_000, 130_000) } })).toMatchObject({
      isBusy: false,
    });
  });

  test('if an earlier run saw it fill as fast, although most of the stream is old', async () => {
    const capacity = { entries: 10_000, state: state(10_000, 3_600_000) };
    const position = at(NOW, 20_000);

    expect(await look({ capacity, position, anchors: [at(NOW - 45_000, 11_000)] })).toMatchObject({ isBusy: true });
    expect(await look({ capacity, position, anchors: [at(NOW - 45_000, 17_000)] })).toMatchObject({ isBusy: false });
    expect(await look({ capacity, position, anchors: [at(NOW - 600_000, 1)] })).toMatchObject({ isBusy: false });
  });

  test('if Redis trimmed unread entries, or does not report the capacity of the stream', async () => {
    expect(await look({ arrival: { overran: true } })).toMatchObject({ isBusy: true });
    expect(await look({ arrival: {}, capacity: { entries: undefined, state: null } })).toMatchObject({ isBusy: true });
  });

  test('but not if its stream keeps nothing', async () => {
    expect(await look({ arrival: { rate: 1 }, capacity: { entries: 0, state: null } })).toMatchObject({
      isBusy: false,
    });
  });

  test('and its capacity is not read if no entry came within an interval, by clocks that may differ', async () => {
    expect(await look({ position: at(NOW - 600_000, 9) })).toEqual({ isBusy: false, isAsked: false });
    expect(await look({ position: at(NOW - 120_000, 9) })).toEqual({ isBusy: false, isAsked: true });
    expect(await look({ position: at(NOW + 600_000, 9) })).toMatchObject({ isAsked: true });
  });
});
