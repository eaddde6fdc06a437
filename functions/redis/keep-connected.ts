import { closedError } from './error.ts';
import type { RedisServer } from './server.ts';

/**
 * Creates a connection that reconnects after a failure, when the next commands are sent.
 *
 * It sends one pipeline at a time, so limits apply to one pipeline, and giving up one pipeline does not fail another.
 * @param connect creates the new connection, possibly to another server
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
