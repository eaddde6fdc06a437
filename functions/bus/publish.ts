import { BusError } from '../errors.ts';
import { type AnyEntry, type BusEntry, isLarge, MAX_REQUEST_BYTES } from '../event/entry.ts';
import { createOutage, type Patience } from '../patience.ts';
import { backoff, MAX_FAILURES } from './backoff.ts';
import type { ConcurrencyLimit } from './concurrency.ts';
import type { Park } from './dead-letters.ts';
import type { PutEvents } from './eventbridge/port.ts';
import { cutToFit, type MakeFit } from './oversize/make-fit.ts';
import { pack } from './pack.ts';
import { judgeEntry, judgeFailure, type Verdict } from './verdict.ts';

/** What became of an entry: both are safe, so its position may move. */
export type Settlement = 'published' | 'parked';

/**
 * Publishes entries and resolves when each of them is settled, with what became of each, in their order.
 *
 * An outage of the bus is waited out until the signal is aborted.
 * @throws {BusError} when the bus denies the publisher, or does not answer when the signal is aborted; {@link ParkingError} when an entry
 * can neither be published nor parked; {@link PayloadError} when one that is too large cannot be stored; else the signal's reason once it
 * is aborted. No entry counts as settled then, and the answers to requests under way are not waited for.
 */
export type Publish = (entries: readonly AnyEntry[], signal: AbortSignal) => Promise<Settlement[]>;

export interface PublisherOptions {
  readonly putEvents: PutEvents;
  readonly park: Park;
  /** Makes entries fit into a request. @default what does not fit is cut */
  readonly makeFit?: MakeFit;
  readonly concurrency: ConcurrencyLimit;
  /** Waits, for the backoff. */
  readonly wait: Patience['wait'];
  /** Hears of outages. */
  readonly warn: Patience['warn'];
  /** A number from 0 to 1, for the jitter. */
  readonly random: () => number;
  /** @default {@link MAX_REQUEST_BYTES} */
  readonly maxRequestBytes?: number;
}

/** An entry on its way, as it is sent. */
interface Pending {
  readonly entry: BusEntry;
  /** As it was made: a dead letter has less room. */
  readonly original: AnyEntry;
  readonly index: number;
}

/** How often an entry is sent alone that failed while the bus took others. */
const LAST_TRIES = 3;

/** Makes a publisher; its requests share one bound, however many calls there are at once. */
export function createPublisher({ putEvents, park, concurrency, wait, random, ...options }: PublisherOptions): Publish {
  const { makeFit = cutToFit, maxRequestBytes: maxBytes = MAX_REQUEST_BYTES } = options;
  const outage = createOutage('The event bus', options.warn);
  let accepted = 0;

  async function publish(entries: readonly AnyEntry[], outer: AbortSignal): Promise<Settlement[]> {
    // At its full length from the beginning: requests are settled in any order.
    const settlements = new Array<Settlement>(entries.length);
    const failing = new AbortController();
    const signal = AbortSignal.any([outer, failing.signal]);
    const settling = settleAll(entries, settlements, signal, (error) => failing.abort(error));
    const stopped = Promise.withResolvers<void>();
    const stop = () => stopped.resolve();
    outer.addEventListener('abort', stop, { once: true });
    await Promise.race([settling, stopped.promise]);
    outer.removeEventListener('abort', stop);
    if (outer.aborted && outage.current?.isReported) throw unavailable(outage.current.reason);
    signal.throwIfAborted();
    return settlements;
  }

  /** Never rejects: what goes wrong is told to `fail`, which aborts the signal for all the others. */
  async function settleAll(
    entries: readonly AnyEntry[],
    settlements: Settlement[],
    signal: AbortSignal,
    fail: (error: unknown) => void,
  ): Promise<void> {
    const fitted = entries.some(isLarge)
      ? await Promise.all(
          entries.map((entry) => (isLarge(entry) ? makeFit(entry, maxBytes, signal).catch(fail) : entry)),
        )
      : entries;
    if (signal.aborted) return;
    let index = 0;
    const requests = pack(fitted as BusEntry[], maxBytes).map((request) =>
      request.map((entry) => ({ entry, original: entries[index] as AnyEntry, index: index++ })),
    );
    await Promise.all(requests.map((request) => settle(request, settlements, signal).catch(fail)));
  }

  /** Sends a request until each of its entries is settled. */
  async function settle(request: readonly Pending[], settlements: Settlement[], signal: AbortSignal): Promise<void> {
    let waiting = request;
    let failures = 0;
    let lastTries = 0;
    for (let attempts = 1; waiting.length > 0; attempts += 1) {
      const isSuspect = failures >= MAX_FAILURES;
      const acceptedBefore = accepted;
      const verdicts = await (isSuspect ? sendSuspect(waiting, lastTries > 0, signal) : send(waiting, signal));
      if (verdicts.some(({ kind }) => kind === 'failed')) failures += 1;
      // An outage blames nobody. What still fails once the bus takes other entries is to blame itself.
      if (isSuspect && (lastTries > 0 || accepted > acceptedBefore)) lastTries += 1;
      const again: Pending[] = [];
      for (const [i, pending] of waiting.entries()) {
        const verdict = verdicts[i] as Verdict;
        if (verdict.kind === 'denied' || verdict.kind === 'missing') throw denied(verdict);
        if (verdict.kind === 'accepted') {
          settlements[pending.index] = 'published';
        } else if (verdict.kind === 'refused' || (verdict.kind === 'failed' && lastTries > LAST_TRIES)) {
          await park(pending.original, { errorCode: verdict.code, errorMessage: verdict.message, attempts }, signal);
          settlements[pending.index] = 'parked';
        } else again.push(pending);
      }
      // Another one is the first next time.
      waiting = isSuspect ? [...again.slice(1), ...again.slice(0, 1)] : again;
      if (again.length > 0) await wait(backoff(attempts, random), signal);
    }
  }

  /** Sends a request once; one that is refused as a whole is sent in halves, until the entry to blame stands alone. */
  async function send(request: readonly Pending[], signal: AbortSignal): Promise<Verdict[]> {
    const verdicts = await attempt(request, signal);
    if (Array.isArray(verdicts)) return verdicts;
    if (verdicts.kind !== 'refused' || request.length === 1) return request.map(() => verdicts);
    const half = Math.ceil(request.length / 2);
    return [...(await send(request.slice(0, half), signal)), ...(await send(request.slice(half), signal))];
  }

  /** Sends the entries of a request that failed again and again: each alone, or the first one alone to see whether the bus takes it. */
  async function sendSuspect(request: readonly Pending[], each: boolean, signal: AbortSignal): Promise<Verdict[]> {
    const [first, ...others] = request.map((pending) => [pending]);
    const parts = [first, ...(each ? others : [others.flat()])].filter((part) => part && part.length > 0);
    return (await Promise.all(parts.map((part) => send(part as Pending[], signal)))).flat();
  }

  /** A verdict on each entry, or one on the request as a whole. */
  async function attempt(request: readonly Pending[], signal: AbortSignal): Promise<Verdict[] | Verdict> {
    await concurrency.acquire();
    if (signal.aborted) {
      concurrency.release('failed');
      throw signal.reason;
    }
    const since = performance.now();
    let verdicts: Verdict[] | Verdict;
    try {
      const entries = request.map(({ entry }) => entry);
      const results = await putEvents(entries);
      verdicts = entries.map((_, i) => judgeEntry(results[i]));
    } catch (error) {
      verdicts = judgeFailure(error);
    }
    const all = [verdicts].flat();
    const has = (wanted: Verdict['kind']) => all.some(({ kind }) => kind === wanted);
    concurrency.release(has('throttled') ? 'throttled' : has('accepted') ? 'accepted' : 'failed');
    accepted += all.filter(({ kind }) => kind === 'accepted').length;
    const [failed] = all;
    if (failed && all.every(({ kind }) => kind === 'failed')) outage.failed(`${failed.code}: ${failed.message}`, since);
    else outage.answered();
    signal.throwIfAborted();
    return verdicts;
  }

  return publish;
}

function denied({ code, message }: Verdict): BusError {
  return new BusError(
    'BUS_DENIED',
    `The event bus does not let bullbridge publish: ${code}: ${message}. Nothing is skipped: grant events:PutEvents on the bus ` +
      '(and on its resource policy across accounts), and the next run goes on here.',
  );
}

function unavailable(reason: string): BusError {
  return new BusError(
    'BUS_UNAVAILABLE',
    `The event bus does not answer (${reason}). Nothing is skipped: the next run tries again.`,
  );
}
