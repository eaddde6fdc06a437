import { once } from 'node:events';
import net from 'node:net';

/** A way to a Redis that can keep its replies back. */
export interface HeldReplies extends AsyncDisposable {
  readonly url: string;
  /** From now on commands still reach Redis, but no reply comes back. */
  hold(): void;
}

/** Relays connections to a Redis. */
export async function holdReplies(redisUrl: string): Promise<HeldReplies> {
  const { hostname, port } = new URL(redisUrl);
  const sockets = new Set<net.Socket>();
  const replies = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const redis = net.connect(Number(port || 6379), hostname);
    client.pipe(redis).pipe(client);
    replies.add(redis);
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        redis.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(redisUrl);
  url.host = `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  return {
    url: url.href,
    hold() {
      for (const redis of replies) redis.unpipe().pause();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
