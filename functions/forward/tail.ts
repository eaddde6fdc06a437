import type { Clients } from '../clients.ts';
import { RedisError } from '../errors.ts';
import type { RedisConnection } from '../stream/connection.ts';
import { awaitRing } from '../stream/doorbell.ts';
import type { Cursor } from '../stream/read.ts';

/** Whether a run goes on listening once it has caught up. */
export type TailMode = 'auto' | 'always' | 'never';

/** Milliseconds from the first new entry to the reading, so that a request to the bus is filled. */
const LINGER = 50;
/** Milliseconds between two looks at all queues, where Redis cannot ring for them together, and before a lost connection is made anew. */
const PAUSE = 1000;

/** Where streams are in several hash slots, none of the servers can wait for all of them. */
const SLOTS_DIFFER = /^(CROSSSLOT|MOVED|REDIRECTED|ASK|CLUSTERDOWN) /;

/** Listens for what comes after a run has caught up. */
export interface Tail extends Disposable {
  /**
   * Waits for new entries. @returns the queues to read on, none when it is over
   *
   * @throws {RedisError} when Redis cannot be reached any more
   */
  next(caughtUp: readonly Cursor[], signal: AbortSignal): Promise<readonly string[]>;
}

export interface TailOptions {
  readonly prefix: string;
  /** Aborted when the next run is due. */
  readonly until: AbortSignal;
  /** Asked once, when the run has caught up for the first time. */
  readonly isNeeded: () => Promise<boolean>;
  /** Told why there is no listening, where there should be. */
  readonly warn: (message: string) => void;
}

/** Makes a listener with a connection of its own, which is opened when it is needed first. */
export function createTail(clients: Clients, { prefix, until, isNeeded, warn }: TailOptions): Tail {
  let needed: Promise<boolean> | undefined;
  let bell: RedisConnection | undefined;

  function close(): void {
    bell?.close();
    bell = undefined;
  }

  /** The queues that rang; none after a while without. */
  async function listen(caughtUp: readonly Cursor[], ending: AbortSignal): Promise<readonly string[] | undefined> {
    bell ??= await clients.connectRedis();
    ending.addEventListener('abort', close, { once: true });
    try {
      if (ending.aborted) return undefined;
      const ring = await awaitRing(bell, caughtUp, prefix);
      if ('queues' in ring) return ring.queues;
      if (!SLOTS_DIFFER.test(ring.error.message)) {
        warn(`Not listening until the next run, which needs +xread: ${ring.error.message}`);
        return undefined;
      }
      await clients.wait(PAUSE, ending);
      return caughtUp.map(({ queue }) => queue);
    } catch (error) {
      if (ending.aborted) return undefined;
      if (!(error instanceof RedisError)) throw error;
      // Where it cannot be opened again, that is the failure of the run.
      close();
      await clients.wait(PAUSE, ending).catch(() => undefined);
      return [];
    } finally {
      ending.removeEventListener('abort', close);
    }
  }

  return {
    async next(caughtUp, signal) {
      const ending = AbortSignal.any([until, signal]);
      if (ending.aborted || caughtUp.length === 0) return [];
      needed ??= isNeeded();
      if (!(await needed)) return [];
      while (!ending.aborted) {
        const rung = await listen(caughtUp, ending);
        if (rung === undefined) return [];
        if (rung.length === 0) continue;
        await clients.wait(LINGER, ending).catch(() => undefined);
        return rung;
      }
      return [];
    },
    [Symbol.dispose]: close,
  };
}
