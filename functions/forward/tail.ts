import type { Clients } from '../clients.ts';
import { RedisError } from '../errors.ts';
import type { RedisConnection } from '../redis/port.ts';
import type { Cursor } from '../stream/read.ts';
import { awaitRing } from '../stream/wait-for-entries.ts';

/** Whether a run goes on listening once it has caught up. */
export type TailMode = 'auto' | 'always' | 'never';

/** Milliseconds from the first new entry to the reading, so that a request to the bus is filled. */
const LINGER = 50;
/** Milliseconds to a look at all queues where Redis cannot wait for them together, or the connection was lost. */
const PAUSE = 1000;
/**
 * Milliseconds between two looks at all queues, whoever rings: in a stream that was deleted or rolled back, nothing rings whose id
 * is not above the position.
 */
const LOOK = 5000;

/** Whoever may not wait need not ask again; what else Redis says will pass, or the next look tells of it. */
const REFUSED = /^(NOPERM|ERR unknown command)/;

/** Listens for what comes after a run has caught up. */
export interface Tail extends Disposable {
  /**
   * Waits for new entries. @returns the queues that may have some, none when it is over
   *
   * @throws {RedisError} when Redis cannot be reached any more
   */
  next(caughtUp: readonly Cursor[], signal: AbortSignal): Promise<readonly string[]>;
}

export interface TailOptions {
  readonly prefix: string;
  /** Aborted when the next run waits for the lease. */
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
  let looked = clients.now().getTime();

  function close(): void {
    bell?.close();
    bell = undefined;
  }

  /** The queues that rang; none after a while without, `undefined` when it is over. */
  async function listen(caughtUp: readonly Cursor[], ending: AbortSignal): Promise<readonly string[] | undefined> {
    bell ??= await clients.connectRedis();
    ending.addEventListener('abort', close, { once: true });
    try {
      if (ending.aborted) return undefined;
      const ring = await awaitRing(bell, caughtUp, prefix);
      if ('queues' in ring) return ring.queues;
      if (REFUSED.test(ring.error.message)) {
        warn(`Not listening until the next run, which needs +xread: ${ring.error.message}`);
        return undefined;
      }
    } catch (error) {
      if (ending.aborted) return undefined;
      if (!(error instanceof RedisError)) throw error;
      // Where it cannot be opened again, that is the failure of the run.
      close();
    } finally {
      ending.removeEventListener('abort', close);
    }
    await clients.wait(PAUSE, ending).catch(() => undefined);
    return [];
  }

  return {
    async next(caughtUp, signal) {
      const ending = AbortSignal.any([until, signal]);
      if (ending.aborted || caughtUp.length === 0) return [];
      needed ??= isNeeded();
      if (!(await needed)) return [];
      const rung = await listen(caughtUp, ending);
      if (!rung) return [];
      if (rung.length > 0) await clients.wait(LINGER, ending).catch(() => undefined);
      const now = clients.now().getTime();
      if (rung.length > 0 && now - looked < LOOK) return rung;
      looked = now;
      return caughtUp.map(({ queue }) => queue);
    },
    [Symbol.dispose]: close,
  };
}
