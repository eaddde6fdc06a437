import { expect } from 'vitest';
import { compareIds } from '../../functions/stream/id.ts';
import { DEAD_LETTERS, type World } from '../forward/world.ts';
import { type Appended, isIn, type LossNews } from './loss.ts';

/** The name of an event that the bus refuses for good. */
export const POISON = 'poison';
/** The events that are forwarded; `active` is left out. */
export const EVENTS = ['completed', 'failed', POISON];

/** The truth of a queue: what was written, how it vanished, and what has become of it. */
export interface History {
  append(events: readonly string[]): Promise<void>;
  /** The same by a server whose clock stands still at the newest entry. */
  appendBehind(events: readonly string[]): Promise<void>;
  trim(keep: number): Promise<void>;
  /** Deletes the stream, as `obliterate` does. */
  reset(): Promise<void>;
  /**
   * Makes the server count anew, as if the entries that are there were all it ever had; only once all of it was read.
   * @returns whether it did
   */
  recount(): Promise<boolean>;
  snapshot(): Promise<void>;
  /** Brings back the stream as it was at the last snapshot. */
  restore(): Promise<void>;
  /** Allows so many duplicates more. */
  allow(duplicates: number): void;
  /** Whether all that is in the stream was forwarded and its position saved. */
  isCaughtUp(): Promise<boolean>;
  /** What must hold while a run listens: it forwards what is in the stream. */
  heard(): Promise<void>;
  /** What must hold at any time. */
  check(): Promise<void>;
  /** What must hold once all is forwarded and every gap is recovered. */
  checkEnd(): Promise<void>;
}

/** @param isFound whether runs find the queue by looking for it, and have looked before it was there; else it is named */
export async function createHistory(world: World, isFound: boolean): Promise<History> {
  const key = world.key('q');
  const { admin, bus } = world;
  const appended: Appended[] = [];
  let allowedDuplicates = 0;
  let saved: Buffer | null = null;
  /** Whether history was ever rewritten; only until then, counts are exact. */
  let rewritten = false;
  let position = '0-0';
  let hidden: { behind: string | undefined; entries: readonly Appended[] } = { behind: undefined, entries: [] };
  /** Losses that were told before: they may be told again, by the same id. */
  const told = new Set<string>();

  const detailsOf = (source: string) =>
    bus.accepted.filter((entry) => entry.Source === source).map(({ detail }) => detail as Record<string, unknown>);
  const forwarded = () => detailsOf('bullmq').filter((detail) => !detail['recovered']);
  const recovered = () => detailsOf('bullmq').filter((detail) => detail['recovered']);
  const published = () => forwarded().map((detail) => detail['jobId'] as string);
  const parked = () =>
    bus.messages(DEAD_LETTERS).flatMap((body) => {
      const { jobId } = JSON.parse(JSON.parse(body).entry.Detail);
      return typeof jobId === 'string' ? [jobId] : [];
    });
  const losses = () => detailsOf('bullbridge').filter((detail) => 'exact' in detail) as unknown as LossNews[];
  /** What vanished before a run named the queue first does not count as lost. */
  const isSeen = async () => (await world.checkpoint('q')) !== undefined;
  async function look() {
    const info = (await admin.xinfo('STREAM', key).catch(() => [])) as unknown[];
    const about = (name: string) => (info.length === 0 ? undefined : info[info.indexOf(name) + 1]);
    return {
      entriesAdded: Number(about('entries-added') ?? 0),
      length: Number(about('length') ?? 0),
      firstId: (about('first-entry') as [string] | null | undefined)?.[0],
      lastId: String(about('last-generated-id') ?? '0-0'),
    };
  }
  /** By job: after a roll-back, another entry can have the same id. */
  const livingJobs = async () => new Set((await admin.xrange(key, '-', '+')).map(([, fields]) => fields[3]));

  function unsettled(): Appended[] {
    const settled = new Set([...published(), ...parked()]);
    const news = losses();
    return appended.filter((entry) => {
      const { jobId, event, gone, isHidden } = entry;
      if (settled.has(jobId) || event === 'active' || gone === 'traceless' || isHidden) return false;
      return gone === undefined || !news.slice(entry.news).some((loss) => isIn(entry, loss));
    });
  }

  const living = () => unsettled().filter(({ gone }) => gone === undefined);

  async function isCaughtUp(): Promise<boolean> {
    const saved = await world.checkpoint('q');
    return living().length === 0 && saved?.position.id === (await look()).lastId;
  }

  async function vanish(how: 'trimmed' | 'destroyed' | 'traceless'): Promise<void> {
    const living = await livingJobs();
    for (const entry of appended) if (!living.has(entry.jobId)) entry.gone ??= how;
  }

  /**
   * A stream with another history than the one that was read, which has trimmed just as many entries as were read and
   * has no ids that are not above the position, looks as if it went on behind it: what is gone unread has left no
   * trace.
   */
  async function hide(): Promise<void> {
    if (!rewritten) return;
    const saved = (await world.checkpoint('q'))?.position;
    // Until a run has seen it, another change can give it away.
    if (hidden.behind === saved?.id) for (const entry of hidden.entries) entry.isHidden = false;
    hidden = { behind: saved?.id, entries: [] };
    const { entriesAdded, length, firstId, lastId } = await look();
    const isAbove = saved && (firstId ? compareIds(firstId, saved.id) > 0 : compareIds(lastId, saved.id) >= 0);
    if (!isAbove || entriesAdded - length !== Number(saved.ordinal) - (saved.offset ?? 0)) return;
    hidden.entries = unsettled().filter(({ gone }) => gone !== undefined);
    for (const entry of hidden.entries) entry.isHidden = true;
  }

  /** Leaves behind what BullMQ leaves of jobs that have ended. */
  async function finish(entries: readonly Appended[]): Promise<void> {
    const queue = key.slice(0, -':events'.length);
    const pipeline = admin.pipeline();
    for (const { id, event, jobId } of entries) {
      if (event !== 'completed' && event !== 'failed') continue;
      const [finishedOn = ''] = id.split('-');
      pipeline.hset(`${queue}:${jobId}`, { finishedOn, returnvalue: '{}', failedReason: 'x' });
      pipeline.zadd(`${queue}:${event}`, finishedOn, jobId);
    }
    await pipeline.exec();
  }

  async function add(events: readonly string[], behind: boolean): Promise<void> {
    const idPattern = behind ? `${(await look()).lastId.split('-')[0]}-*` : '*';
    // In one go, so that many of them come in one millisecond.
    const pipeline = admin.pipeline();
    for (const [i, event] of events.entries()) {
      const jobId = `${appended.length + i + 1}`;
      pipeline.xadd(key, idPattern, 'event', event, 'jobId', jobId, 'returnvalue', '{}');
    }
    const news = losses().length;
    const ids = ((await pipeline.exec()) ?? []).map(([, id]) => id as string);
    for (const [i, id] of ids.entries()) {
      const above = appended.filter((entry) => compareIds(entry.id, id) >= 0);
      for (const entry of above) entry.isOvertaken = true;
      const jobId = `${appended.length + 1}`;
      appended.push({
        id,
        event: events[i] ?? '',
        jobId,
        isBehind: above.length > 0,
        isOvertaken: false,
        news,
        isHidden: false,
      });
    }
    await finish(appended.slice(-ids.length));
    await hide();
  }

  return {
    append: (events) => add(events, false),
    appendBehind: (events) => add(events, true),
    async trim(keep) {
      const how = isFound || (await isSeen()) ? 'trimmed' : 'traceless';
      await admin.xtrim(key, 'MAXLEN', keep);
      await vanish(how);
      await hide();
    },
    async reset() {
      const how = (await isSeen()) ? 'destroyed' : 'traceless';
      // Nor does a stream that was deleted tell what it had trimmed.
      if (how === 'traceless') for (const entry of appended) if (entry.gone) entry.gone = how;
      rewritten ||= (await admin.del(key)) === 1;
      await vanish(how);
      await hide();
    },
    async recount() {
      const { length, lastId } = await look();
      if (length === 0 || rewritten || !(await isCaughtUp())) return false;
      await admin.call('XSETID', key, lastId, 'ENTRIESADDED', length, 'MAXDELETEDID', '0-0');
      return true;
    },
    async snapshot() {
      saved = await admin.dumpBuffer(key);
    },
    async restore() {
      if (!saved) return;
      await admin.restore(key, 0, saved, 'REPLACE');
      rewritten = true;
      // What comes back was never gone, and a roll-back that took nothing that was read leaves no trace.
      const living = await livingJobs();
      for (const entry of appended) if (living.has(entry.jobId)) delete entry.gone;
      await vanish(compareIds(position, (await look()).lastId) > 0 ? 'destroyed' : 'traceless');
      await hide();
    },
    allow(duplicates) {
      allowedDuplicates += duplicates;
    },
    isCaughtUp,
    async heard() {
      // Sooner than a run would look without being told.
      if (!rewritten) await expect.poll(living, { interval: 2, timeout: 4000 }).toEqual([]);
    },
    async check() {
      const before = position;
      position = (await world.checkpoint('q'))?.position.id ?? '0-0';
      const passed = unsettled().filter(({ id, isBehind }) => !isBehind && compareIds(id, position) <= 0);
      expect(passed, 'the position passed entries that are not settled').toEqual([]);
      const news = losses();
      const stale = news.filter(({ id, afterId }) => !told.has(id) && compareIds(afterId, before) < 0);
      for (const { id } of news) told.add(id);
      if (!rewritten) {
        expect(stale, 'told as lost behind the position').toEqual([]);
        expect(compareIds(position, before), 'the position moved back').toBeGreaterThanOrEqual(0);
        const reasons = new Set(news.map(({ reason }) => reason));
        expect(
          [...reasons].filter((reason) => reason !== 'trimmed'),
          'an incident that never was',
        ).toEqual([]);
      }
    },
    async checkEnd() {
      expect(unsettled(), 'entries that are neither published, parked, filtered nor told as lost').toEqual([]);
      const news = losses();
      if (!rewritten) {
        for (const loss of news.filter(({ beforeId }) => beforeId !== null)) {
          const hole = appended.filter((entry) => isIn(entry, loss) && entry.gone !== 'traceless');
          expect(loss.lost).toBe(hole.length);
          // A run that did not save all that it published may have published some of them.
          expect(loss.exact || allowedDuplicates > 0, 'not exact, though each run saved all').toBe(true);
        }
        const all = published();
        expect(all.length - new Set(all).size, 'duplicates').toBeLessThanOrEqual(allowedDuplicates);
        const sequences = new Map(forwarded().map(({ jobId, sequence }) => [Number(jobId), sequence]));
        const inOrder = [...sequences]
          .sort(([a], [b]) => a - b)
          .flatMap(([, sequence]) => (typeof sequence === 'number' ? sequence : []));
        expect(inOrder, 'a sequence that decreases').toEqual([...new Set(inOrder)].sort((a, b) => a - b));
      }
      const poison = new Set(appended.flatMap(({ jobId, event }) => (event === POISON ? jobId : [])));
      expect(
        parked().filter((jobId) => !poison.has(jobId)),
        'parked, and not to blame',
      ).toEqual([]);
      const settled = new Set([...published(), ...parked()]);
      const inGaps = appended.filter((entry) => news.some((loss) => isIn(entry, loss)));
      for (const { jobId, possibleDuplicate } of recovered())
        expect(
          possibleDuplicate === true || inGaps.some((entry) => entry.jobId === jobId),
          `job ${jobId} recovered for no gap`,
        ).toBe(true);
      const recoveredJobs = new Set(recovered().map(({ jobId }) => jobId));
      const recoverable = inGaps.filter(
        ({ jobId, event, gone }) => gone === 'trimmed' && !settled.has(jobId) && event !== 'active' && event !== POISON,
      );
      if (!rewritten)
        expect(
          recoverable.filter(({ jobId }) => !recoveredJobs.has(jobId)),
          'jobs not recovered',
        ).toEqual([]);
    },
  };
}
