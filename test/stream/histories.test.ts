import { fc, test } from '@fast-check/vitest';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { anchorsFor } from '../../functions/checkpoint/anchors.ts';
import type { RedisConnection } from '../../functions/redis/port.ts';
import { compareIds, idTime } from '../../functions/stream/id.ts';
import type { AtEntry, Position } from '../../functions/stream/position.ts';
import { repetitions } from '../effort.ts';
import { adminRedis, runConnection } from '../redis.ts';
import { skipWithout } from '../test-with.ts';
import { end, numbers, read, type Stream, streamOn } from './own-stream.ts';

skipWithout('counting server');

/** What happens to a stream, one after the other; `ticks` are the milliseconds that pass before. */
type Step =
  | { readonly kind: 'add'; readonly count: number; readonly ticks: number }
  | { readonly kind: 'trim'; readonly kept: number }
  | { readonly kind: 'poll'; readonly count: number }
  | { readonly kind: 'delete' }
  | { readonly kind: 'snapshot' }
  /** The stream is as it was when the snapshot was taken, perhaps on a server whose clock is behind. */
  | { readonly kind: 'restore'; readonly behind: number };

const adding = fc.record({
  kind: fc.constant('add' as const),
  count: fc.integer({ min: 1, max: 30 }),
  ticks: fc.nat(3),
});
const trimming = fc.record({ kind: fc.constant('trim' as const), kept: fc.oneof(fc.constant(0), fc.nat(20)) });
const polling = fc.record({ kind: fc.constant('poll' as const), count: fc.integer({ min: 1, max: 30 }) });
const calm: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 4, arbitrary: adding },
  { weight: 2, arbitrary: trimming },
  { weight: 4, arbitrary: polling },
];
const anything: readonly fc.WeightedArbitrary<Step>[] = [
  ...calm,
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('snapshot' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restore' as const),
      behind: fc.oneof(fc.constant(0), fc.nat(6)),
    }),
  },
];
const history = fc.oneof(
  fc.array(fc.oneof(...calm), { minLength: 1, maxLength: 30, size: 'max' }),
  fc.array(fc.oneof(...anything), { minLength: 1, maxLength: 30, size: 'max' }),
);

/** The entries that a stream ever received, by ordinal, and how many of them are gone from its old end. */
interface Line {
  readonly entries: readonly { readonly n: number; readonly id: string }[];
  readonly trimmed: number;
}

const EMPTY: Line = { entries: [], trimmed: 0 };

/** Plays a history on a real stream, beside the truth of it, and holds every page that is read against that truth. */
function createHistory(stream: Stream) {
  const { admin, key } = stream;
  let line = EMPTY;
  let snapshot: { readonly line: Line; readonly dump: Buffer } | undefined;
  let clock = 1_000_000;
  let written = 0;
  let isCalm = true;
  /** What can have taken the position's entry away since it was saved. */
  let rewritings = new Set<'delete' | 'restore'>();

  let position: Position | undefined;
  let anchors: readonly AtEntry[] = [];
  /** The number of the position's entry. */
  let at: number | undefined;
  /** The numbers of all entries that were positions, by their digests. */
  const marks = new Map<string, number>();
  const seen = new Set<number>();
  /** Found trimmed, if only by the poll that read what was left; a snapshot can bring them back. */
  const gone = new Set<number>();
  let lost = 0;
  /** Trimmed before the queue was first looked at: these do not count as lost. */
  let before = 0;

  async function addEntries(count: number): Promise<void> {
    const last = line.entries.at(-1);
    const ms = Math.max(clock, last ? idTime(last.id) : 0);
    const pipeline = admin.pipeline();
    const added = Array.from({ length: count }, (_, i) => written + i + 1);
    for (const n of added) pipeline.xadd(key, `${ms}-*`, 'n', n);
    const ids = (await pipeline.exec()) ?? [];
    line = { ...line, entries: [...line.entries, ...added.map((n, i) => ({ n, id: String(ids[i]?.[1]) }))] };
    written += count;
  }

  async function poll(count: number): Promise<boolean> {
    const from = position;
    const page = await read(stream, from, { count, anchors });
    check(from, page.loss);
    if (page.loss?.reason === 'rolled-back') {
      const isLeft = ({ ordinal = 0, digest }: AtEntry) =>
        ordinal > line.trimmed && line.entries[ordinal - 1]?.n === marks.get(digest);
      expect(page.start.ordinal).toBe(anchors.find(isLeft)?.ordinal ?? line.trimmed);
    }
    for (const n of numbers(page)) seen.add(n);
    position = end(page);
    if (from === undefined) before = line.trimmed;
    lost += page.loss?.lost ?? 0;
    anchors = anchorsFor(position, from, anchors);
    at = line.entries[(position.ordinal ?? 0) - 1]?.n;
    if (position.kind === 'entry' && at !== undefined) marks.set(position.digest, at);
    if (page.entries.length > 0) expect(at).toBe(numbers(page).at(-1));
    rewritings = new Set();
    for (const { n } of line.entries.slice(0, line.trimmed)) gone.add(n);
    for (const { n } of line.entries.slice(line.trimmed, position.ordinal))
      expect(seen.has(n) || gone.has(n)).toBe(true);
    return page.entries.length > 0 || page.loss !== undefined;
  }

  function check(from: Position | undefined, loss: Awaited<ReturnType<typeof read>>['loss']): void {
    const { ordinal = 0 } = from ?? {};
    const missing = from ? line.trimmed - ordinal : 0;
    // An entry that had been trimmed when the position was saved can be back.
    const isBack = from?.kind !== 'entry' && missing < 0;
    const isThere = ordinal === 0 || (line.entries[ordinal - 1]?.n === at && !isBack);
    if (isThere) {
      expect(loss && { ...loss, afterId: '', beforeId: '', since: undefined }).toEqual(
        missing > 0 ? { reason: 'trimmed', lost: missing, exact: true, afterId: '', beforeId: '' } : undefined,
      );
      return;
    }
    const { id } = from as Position;
    const isBelow =
      line.entries.slice(line.trimmed).some((entry) => compareIds(entry.id, id) <= 0) ||
      line.entries.slice(-1).some((newest) => compareIds(newest.id, id) < 0);
    // Exactly as many entries were trimmed again as had been read: nothing can tell.
    if (missing === 0 && !isBelow) return;
    expect(loss?.reason).toBe(isBelow ? 'rolled-back' : missing > 0 ? 'trimmed' : 'reset');
    if (rewritings.has('restore')) return;
    const unread = line.entries.slice(0, line.trimmed).filter(({ n }) => !seen.has(n));
    expect(loss?.lost).toBeLessThanOrEqual(unread.length);
  }

  async function play(step: Step): Promise<void> {
    if (step.kind === 'add') {
      clock += step.ticks;
      await addEntries(step.count);
    }
    if (step.kind === 'trim') {
      await admin.xtrim(key, 'MAXLEN', step.kept);
      line = { ...line, trimmed: Math.max(line.trimmed, line.entries.length - step.kept) };
    }
    if (step.kind === 'poll') await poll(step.count);
    if (step.kind === 'snapshot') {
      const dump = await admin.dumpBuffer(key);
      if (dump) snapshot = { line, dump };
    }
    if (step.kind === 'delete' && (await admin.del(key)) === 1) {
      line = EMPTY;
      clock += 1;
      isCalm = false;
      rewritings.add('delete');
    }
    if (step.kind === 'restore' && snapshot) {
      await admin.restore(key, 0, snapshot.dump, 'REPLACE');
      line = snapshot.line;
      clock -= step.behind;
      isCalm = false;
      rewritings.add('restore');
    }
  }

  return {
    play,
    async finish() {
      while (await poll(30));
      expect(position?.ordinal).toBe(line.entries.length);
      if (isCalm) expect(seen.size + lost + before).toBe(written);
      await admin.del(key);
    },
  };
}

/** Opened once: a connection for each of the histories would be most of the work. */
let shared: Promise<[Redis, RedisConnection]> | undefined;

test.prop([history], { numRuns: repetitions(2000, 300) })(
  'whatever is added, trimmed, deleted and restored: losses are counted, incidents are distinguished, and existing entries are read',
  async (steps) => {
    shared ??= Promise.all([adminRedis(), runConnection()]);
    const [admin, connection] = await shared;
    const { play, finish } = createHistory(streamOn(admin, connection));
    for (const each of steps) await play(each);
    await finish();
  },
);
