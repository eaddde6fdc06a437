import { closedError } from './error.ts';
import type { RedisServer } from './server.ts';

/**
 * Makes a connection that is there again after a failure: the next commands are sent on a new one.
 *
 * One pipeline is under way at a time, so that limits count its own replies, and one that was given up takes no other with it.
 * @param connect makes the new connection, which can be to another server than the first
 */
export function keepConnected(first: RedisServer, connect: () => Promise<RedisServer>): RedisServer {
  let { target } = first;
  let server: RedisServer | undefined = first;
  let isClosed = false;
  let turn: Promise<unknown> = Promise.resolve();

  async function connected(): Promise<RedisServer> {
    if (!isClosed) server ??= await connect();
    if (!server || isClosed) {
      server?.close();
      throw closedError(target);
    }
    target = server.target;
    return server;
  }

  return {
    get target() {
      return target;
    },
    send(commands, allowance) {
      const sent = turn.then(async () => {
        const current = await connected();
        try {
          return await current.send(commands, allowance);
        } catch (error) {
          current.close();
          server = undefined;
          throw error;
        }
      });
      turn = sent.catch(() => {});
      return sent;
    },
    close() {
      isClosed = true;
      server?.close();
    },
  };
}
