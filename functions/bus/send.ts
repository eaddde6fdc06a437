import type { Outage } from '../patience.ts';
import type { ConcurrencyLimit } from './concurrency.ts';
import type { Sent } from './dead-letters.ts';
import type { PutEvents } from './eventbridge/port.ts';
import { judgeEntry, judgeFailure, type Verdict } from './verdict.ts';

/** An entry that is not settled yet. */
export interface Pending extends Sent {
  readonly index: number;
}

/** Sends requests, each once. Returns a verdict for each entry, in the order of the entries. */
export interface Sender {
  /** Sends a request; a request that is refused as a whole is sent in halves until the faulty entry is alone. */
  send(request: readonly Pending[], signal: AbortSignal): Promise<Verdict[]>;
  /**
   * Sends the entries of a request that failed repeatedly: each entry alone, or only the first one alone, to find out
   * whether the bus accepts it.
   */
  sendSuspect(request: readonly Pending[], each: boolean, signal: AbortSignal): Promise<Verdict[]>;
  /** The number of entries that the bus has accepted. */
  readonly accepted: number;
}

export function createSender(put: PutEvents, concurrency: ConcurrencyLimit, outage: Outage): Sender {
  let accepted = 0;

  async function send(request: readonly Pending[], signal: AbortSignal): Promise<Verdict[]> {
    const verdicts = await attempt(request, signal);
    if (Array.isArray(verdicts)) return verdicts;
    if (verdicts.kind !== 'refused' || request.length === 1) return request.map(() => verdicts);
    const half = Math.ceil(request.length / 2);
    return [...(await send(request.slice(0, half), signal)), ...(await send(request.slice(half), signal))];
  }

  async function sendSuspect(request: readonly Pending[], each: boolean, signal: AbortSignal): Promise<Verdict[]> {
    const [first, ...others] = request.map((pending) => [pending]);
    const parts = [first, ...(each ? others : [others.flat()])].filter((part) => part && part.length > 0);
    return (await Promise.all(parts.map((part) => send(part as Pending[], signal)))).flat();
  }

  /** Returns a verdict for each entry, or one for the request as a whole. */
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
      const results = await put(entries);
      verdicts = entries.map((_, i) => judgeEntry(results[i]));
    } catch (error) {
      verdicts = judgeFailure(error);
    }
    const all = Array.isArray(verdicts) ? verdicts : [verdicts];
    const has = (wanted: Verdict['kind']) => all.some(({ kind }) => kind === wanted);
    concurrency.release(has('throttled') ? 'throttled' : has('accepted') ? 'accepted' : 'failed');
    accepted += all.filter(({ kind }) => kind === 'accepted').length;
    const [failed] = all;
    if (failed && all.every(({ kind }) => kind === 'failed')) outage.failed(`${failed.code}: ${failed.message}`, since);
    else outage.answered();
    signal.throwIfAborted();
    return verdicts;
  }

  return {
    send,
    sendSuspect,
    get accepted() {
      return accepted;
    },
  };
}
