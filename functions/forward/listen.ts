import type { Clients } from '../clients.ts';
import { createPatientConnection } from '../redis/patient.ts';
import type { RedisConnection } from '../redis/port.ts';
import { awaitNews } from '../stream/news.ts';
import type { Cursor } from '../stream/read.ts';

/** Milliseconds from the first new entry to the reading, so that a request to the bus is filled. */
const LINGER = 50;
/** Milliseconds to the next look where Redis cannot wait for all queues together. */
const PAUSE = 1000;

/** Whoever may not wait need not ask again; what else Redis says will pass, or the next look shows it. */
const REFUSED = /^(NOPERM|ERR unknown command)/;

/** Waits for entries on a connection of its own, which is opened when it is needed first. */
export interface Listener extends Disposable {
  /**
   * Waits until entries come, for some seconds at most.
   *
   * @returns the queues that have some, `undefined` where there is no listening
   * @throws {RedisError} when Redis cannot be reached any more
   */
  wait(idle: readonly Cursor[], ending: AbortSignal): Promise<readonly string[] | undefined>;
}

/**
 * @param drain ends the patience with a Redis that does not answer
 * @param warn hears why there is no listening
 */
export function createListener(
  { connectRedis, wait }: Clients,
  prefix: string,
  drain: AbortSignal,
  warn: (message: string) => void,
): Listener {
  let bell: RedisConnection | undefined;

  function close(): void {
    bell?.close();
    bell = undefined;
  }

  async function listen(idle: readonly Cursor[], ending: AbortSignal): Promise<readonly string[] | undefined> {
    bell ??= createPatientConnection(connectRedis, { wait, signal: drain, warn });
    ending.addEventListener('abort', close, { once: true });
    try {
      const ring = await awaitNews(bell, idle, prefix);
      if ('queues' in ring) return ring.queues;
      if (!REFUSED.test(ring.error.message)) return await pause(ending);
      warn(`Not listening until the next run, which needs +xread: ${ring.error.message}`);
      return undefined;
    } catch (error) {
      if (ending.aborted) return undefined;
      throw error;
    } finally {
      ending.removeEventListener('abort', close);
    }
  }

  async function pause(ending: AbortSignal): Promise<readonly string[]> {
    await wait(PAUSE, ending).catch(() => undefined);
    return [];
  }

  return {
    async wait(idle, ending) {
      if (ending.aborted || idle.length === 0) return undefined;
      const rung = await listen(idle, ending);
      if (rung && rung.length > 0) await wait(LINGER, ending).catch(() => undefined);
      return rung;
    },
    [Symbol.dispose]: close,
  };
}
