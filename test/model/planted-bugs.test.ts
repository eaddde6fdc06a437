import { fc } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { repetitions } from '../effort.ts';
import { skipWithout } from '../test-with.ts';
import { live, type Origin } from './life.ts';
import { type Bug, plant } from './plant.ts';
import { bursts, outages, recounts, rewritingSteps, type Step, steps, tails } from './steps.ts';

skipWithout('counting server');

interface Planted extends Bug {
  /** @default 'named' */
  readonly origin?: Origin;
}

/** Each of these was, somewhere, once an outage; the model must notice every one. */
const BUGS: readonly (readonly [string, fc.Arbitrary<readonly Step[]>, Planted])[] = [
  [
    'positions are saved before events are published',
    steps,
    {
      file: 'forward/stages.ts',
      from: 'const oldest = count(report, outgoing, await clients.publish(entries, signal));',
      to: 'clients.publish(entries, signal).catch(() => {}); const oldest = count(report, outgoing, []);',
    },
  ],
  [
    'entries that failed are skipped',
    steps,
    { file: 'bus/publish.ts', from: 'again.push(pending);', to: "settlements[pending.index] = 'published';" },
  ],
  [
    'entries that the bus refuses are not parked',
    steps,
    {
      file: 'bus/publish.ts',
      from: 'await park(pending, { errorCode: code, errorMessage: message, attempts }, signal);',
      to: '',
    },
  ],
  [
    'a position moves wherever it was before, and whatever the epoch',
    steps,
    {
      file: 'checkpoint/positions.ts',
      from: "return all(is('position', previous.id), is('ordinal', previous.ordinal), isAtMost('epoch', epoch));",
      to: "return isAtMost('format', epoch);",
    },
  ],
  [
    'ids are compared as text',
    bursts,
    { file: 'stream/id.ts', from: 'return a.length - b.length || (a < b', to: 'return (a < b' },
  ],
  [
    'a loss is not reported',
    steps,
    { file: 'forward/outgoing.ts', from: 'if (loss) items.push(', to: 'if (!loss && loss) items.push(' },
  ],
  [
    'a loss is not written to the ledger',
    steps,
    { file: 'forward/checkpoints.ts', from: '(gap) => openGap(ledger, gap)', to: 'async () => {}' },
  ],
  [
    'a run without the lease reports losses',
    steps,
    {
      file: 'forward/checkpoints.ts',
      from: 'if (gaps.length > 0) await lease.confirm();',
      to: '',
    },
  ],
  [
    'a container trusts positions that another container has moved meanwhile',
    steps,
    {
      file: 'forward/checkpoints.ts',
      from: 'memory.keep(lease, {',
      to: 'memory.keep({ ...lease, epoch: lease.epoch + 1 }, {',
    },
  ],
  [
    'the count of lost entries is off by one',
    steps,
    { file: 'stream/account.ts', from: 'lost: before - ordinal,', to: 'lost: before - ordinal - 1,' },
  ],
  [
    'after a roll-back, nothing is read again',
    rewritingSteps,
    {
      file: 'stream/account.ts',
      from: 'return rolledBack(known, stream);',
      to: "return { loss: rolledBack(known, stream).loss, start: { kind: 'gap', id: stream.lastId, ordinal: stream.entriesAdded }, entries: [], more: false };",
    },
  ],
  [
    'a run that listens saves positions before events are published',
    tails,
    {
      file: 'forward/stages.ts',
      from: 'const oldest = count(report, outgoing, await clients.publish(entries, signal));',
      to: 'const sent = clients.publish(entries, signal); const oldest = count(report, outgoing, tail.listens() ? [] : await sent); sent.catch(() => {});',
    },
  ],
  [
    'entries that come between reading and listening are not noticed',
    tails,
    {
      file: 'stream/new-entries.ts',
      from: 'cursors.map(({ position }) => position.id)',
      to: "cursors.map(({ position }) => (block ? '$' : position.id))",
    },
  ],
  [
    'positions that wait to be saved are not saved at a hand-over',
    tails,
    {
      file: 'forward/pipeline.ts',
      from: 'await Promise.all(underWay);\n    await save();',
      to: 'await Promise.all(underWay);',
    },
  ],
  [
    'the next run takes the lease while the run that has it still works',
    tails,
    {
      file: 'checkpoint/lease.ts',
      from: 'return not(isWithin(',
      to: "return not(is('owner', 'nobody')) ?? not(isWithin(",
    },
  ],
  [
    'a run does not hand over when it is asked',
    tails,
    {
      file: 'checkpoint/with-lease.ts',
      from: 'if (row.waiter !== undefined) handOver.abort();',
      to: 'if (row.waiter !== undefined) lose();',
    },
  ],
  [
    'a run ends at an outage',
    outages,
    { file: 'patience.ts', from: 'if (!passes(error)) {', to: 'if (!passes(error) || error) {' },
  ],
  [
    'a write of the table that failed counts as done',
    outages,
    {
      file: 'patience.ts',
      from: 'await wait(pause, signal).catch(() => undefined);',
      to: 'return {} as never;',
    },
  ],
  [
    'a run ends without saving at an outage of Redis',
    outages,
    {
      file: 'redis/patient.ts',
      from: 'if (!passes(error)) throw error;',
      to: 'throw error;',
    },
  ],
  [
    'entries are parked because of an outage of the bus',
    outages,
    {
      file: 'bus/publish.ts',
      from: 'failed: lastTries > LAST_TRIES,',
      to: 'failed: isSuspect,',
    },
  ],
  [
    'a new queue is begun at its end',
    steps,
    {
      file: 'forward/first-positions.ts',
      from: 'if ((await seenWholeAt(table, source)) !== undefined) return new Map();',
      to: '',
      origin: 'found',
    },
  ],
  [
    'a new queue is begun at its oldest entry, without counting trimmed entries',
    steps,
    {
      file: 'forward/checkpoints.ts',
      from: 'const { position = beginning(0), anchors = [] }',
      to: 'const { position = beginning(), anchors = [] }',
      origin: 'found',
    },
  ],
  [
    'the count of a server that restarted it is trusted',
    recounts,
    {
      file: 'stream/account.ts',
      from: 'return stream ? recounted(next, stream) : next;',
      to: 'return next;',
    },
  ],
  [
    'a server that begins to count is not asked',
    steps,
    {
      file: 'stream/account.ts',
      from: 'return stream ? recounted(next, stream) : next;',
      to: 'return next;',
      origin: 'uncounted',
    },
  ],
];

/** A quarter of them without CI: each takes its seconds of a processor. */
const planted = BUGS.filter((_, n) => n % repetitions(1, 4) === 0);

describe('the model notices that', () => {
  test.each(planted)('%s', { timeout: 120_000 }, async (_, histories, { origin, ...bug }) => {
    const parts = await plant(bug);
    const property = fc.asyncProperty(histories, (all) => live(all, parts, origin));

    const { failed, numRuns } = await fc.check(property, { numRuns: 400, endOnFailure: true });

    expect(failed, `not noticed in ${numRuns} histories`).toBe(true);
  });
});
