import type { Clients } from '../clients.ts';
import { createPatientConnection } from '../redis/patient.ts';
import type { RedisConnection } from '../redis/port.ts';
import { awaitNewEntries } from '../stream/new-entries.ts';
import type { Cursor } from '../stream/read.ts';

/** Milliseconds from the first new entry until the queues are read, so that a request to the bus is filled. */
const LINGER = 50;
/** Milliseconds between two polls, if Redis cannot wait for all queues together. */
const PAUSE = 1000;

/** Errors that end listening. Other errors pass, or the next read shows them. */
const REFUSED = /^(NOPERM|ERR unknown command)/;

/** Waits for new entries on its own connection, which is opened when it is first needed. */
export interface Listener extends Disposable {
  /**
   * Waits until new entries arrive, for some seconds at most.
   *
   * @returns the queues with new entries, or `undefined` if listening is not possible or must end
   * @throws {RedisError} when Redis can no longer be reached
   */
  wait(idle: readonly Cursor[], ending: AbortSignal): Promise<readonly string[] | undefined>;
}

/**
 * @param drain ends the waiting for a Redis that does not answer
 * @param warn is called with the reason why the run does not listen
 */
export function createListener(
  { connectRedis, wait }: Clients,
  prefix: string,
  drain: AbortSignal,
  warn: (message: string) => void,
): Listener {
  let connection: RedisConnection | undefined;

  function close(): void {
    connection?.close();
    connection = undefined;
  }

  async function listen(idle: readonly Cursor[], ending: AbortSignal): Promise<readonly string[] | undefined> {
    connection ??= createPatientConnection(connectRedis, { wait, signal: drain, warn });
    ending.addEventListener('abort', close, { once: true });
    try {
      const found = await awaitNewEntries(connection, idle, prefix);
      if ('queues' in found) return found.queues;
      if (!REFUSED.test(found.error.message)) return await pause(ending);
      warn(`This run does not listen for new entries, because that needs +xread: ${found.error.message}`);
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
      const queues = await listen(idle, ending);
      if (queues && queues.length > 0) await wait(LINGER, ending).catch(() => undefined);
      return queues;
    },
    [Symbol.dispose]: close,
  };
}
