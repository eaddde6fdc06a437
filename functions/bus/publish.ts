import { type AnyEntry, type BusEntry, isLarge } from '../event/bus-entry.ts';
import { createOutage, type Patience } from '../patience.ts';
import { backoff, MAX_FAILURES } from './backoff.ts';
import { busError } from './bus-error.ts';
import type { ConcurrencyLimit } from './concurrency.ts';
import type { Park } from './dead-letters.ts';
import type { EventBus } from './eventbridge/port.ts';
import { cutToFit, type MakeFit } from './oversize/make-fit.ts';
import { pack } from './pack.ts';
import { createSender, type Pending } from './send.ts';
import type { Verdict } from './verdict.ts';

/** How an entry was settled; in both cases, its position may move. */
export type Settlement = 'published' | 'parked';

/**
 * Publishes entries and resolves when all of them are settled; the settlements are in the order of the entries.
 *
 * It waits until an outage of the bus is over or the signal is aborted.
 * @throws {BusError} when the bus denies the publisher, or does not answer when the signal is aborted;
 * {@link ParkingError} when an entry can neither be published nor parked; {@link PayloadError} when an entry that is
 * too large cannot be stored; the reason of the signal once it is aborted. In these cases, no entry counts as settled,
 * and requests under way are not awaited.
 */
export type Publish = (entries: readonly AnyEntry[], signal: AbortSignal) => Promise<Settlement[]>;

export interface PublisherOptions {
  readonly bus: EventBus;
  readonly park: Park;
  /** Makes entries fit into a request. @default entries that do not fit are cut */
  readonly makeFit?: MakeFit;
  readonly concurrency: ConcurrencyLimit;
  /** Waits, for the backoff. */
  readonly wait: Patience['wait'];
  /** Called when an outage begins or ends. */
  readonly warn: Patience['warn'];
  /** A number from 0 to 1, for the jitter. */
  readonly random: () => number;
}

/** The number of times that an entry is sent alone, after it failed while the bus accepted others. */
const LAST_TRIES = 3;

/** Creates a publisher; the requests of all its calls share one limit of concurrency. */
export function createPublisher({ bus, park, concurrency, wait, random, ...options }: PublisherOptions): Publish {
  const { makeFit = cutToFit } = options;
  const outage = createOutage('The event bus', options.warn);
  const sender = createSender(bus.put, concurrency, outage);

  async function publish(entries: readonly AnyEntry[], outer: AbortSignal): Promise<Settlement[]> {
    const failing = new AbortController();
    const signal = AbortSignal.any([outer, failing.signal]);
    // With its full length, because requests are settled in any order.
    const settlements = new Array<Settlement>(entries.length);
    await untilAborted(
      outer,
      fitAndSettle(entries, settlements, signal, (error) => failing.abort(error)),
    );
    if (outer.aborted && outage.current?.isReported) throw busError('BUS_UNAVAILABLE', bus.name, outage.current.reason);
    signal.throwIfAborted();
    return settlements;
  }

  /** Fits, packs, sends and settles. Never rejects; it calls `fail`, which aborts the signal for all requests. */
  async function fitAndSettle(
    entries: readonly AnyEntry[],
    settlements: Settlement[],
    signal: AbortSignal,
    fail: (error: unknown) => void,
  ): Promise<void> {
    const fitted = await fitAll(entries, signal).catch(fail);
    if (!fitted || signal.aborted) return;
    let index = 0;
    const requests = pack(fitted, bus.limits).map((request) =>
      request.map((entry) => ({ entry, original: entries[index] as AnyEntry, index: index++ })),
    );
    await Promise.all(requests.map((request) => settle(request, settlements, signal).catch(fail)));
  }

  async function fitAll(entries: readonly AnyEntry[], signal: AbortSignal): Promise<readonly BusEntry[]> {
    const { bytes } = bus.limits;
    return Promise.all(entries.map((entry) => (isLarge(entry) ? makeFit(entry, bytes, signal) : entry)));
  }

  /** Sends a request until each of its entries is settled. */
  async function settle(request: readonly Pending[], settlements: Settlement[], signal: AbortSignal): Promise<void> {
    let waiting = request;
    let failures = 0;
    let lastTries = 0;
    const acceptedAtFirst = sender.accepted;
    for (let attempts = 1; waiting.length > 0; attempts += 1) {
      const isSuspect = failures >= MAX_FAILURES;
      // During a new outage, a failure does not count against an entry either.
      if (lastTries > 0) await bus.check(signal);
      const acceptedBefore = sender.accepted;
      const verdicts = isSuspect
        ? await sender.sendSuspect(waiting, lastTries > 0, signal)
        : await sender.send(waiting, signal);
      if (verdicts.some(({ kind }) => kind === 'failed' || kind === 'unknown')) failures += 1;
      // During an outage, a failure does not count against an entry. It does once the bus accepts other entries.
      if (isSuspect && (lastTries > 0 || sender.accepted > acceptedBefore)) lastTries += 1;
      const again: Pending[] = [];
      const blamed: Record<string, boolean> = {
        failed: lastTries > LAST_TRIES,
        unknown: isSuspect && sender.accepted > acceptedAtFirst,
      };
      for (const [i, pending] of waiting.entries()) {
        const { kind, code, message } = verdicts[i] as Verdict;
        switch (blamed[kind] ? 'refused' : kind) {
          case 'accepted':
            settlements[pending.index] = 'published';
            break;
          case 'refused':
            await park(pending, { errorCode: code, errorMessage: message, attempts }, signal);
            settlements[pending.index] = 'parked';
            break;
          case 'throttled':
          case 'failed':
          case 'unknown':
            again.push(pending);
            break;
          case 'denied':
            throw busError('BUS_DENIED', bus.name, `${code}: ${message}`);
          case 'missing':
            throw busError('BUS_MISSING', bus.name);
        }
      }
      // Another entry is the first next time.
      waiting = isSuspect ? [...again.slice(1), ...again.slice(0, 1)] : again;
      if (again.length > 0) await wait(backoff(attempts, random), signal);
    }
  }

  return publish;
}

/** Waits for work that never rejects, at most until the signal is aborted. */
async function untilAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.resolve();
  signal.addEventListener('abort', abort, { once: true });
  await Promise.race([work, aborted.promise]);
  signal.removeEventListener('abort', abort);
}
