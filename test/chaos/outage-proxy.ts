import { once } from 'node:events';
import net from 'node:net';
import { listen } from '../listen.ts';

/**
 * How a service is away: nothing listens, connections break at their first byte, nothing is answered, or each request
 * is answered with an error. A connection that was open stays lost.
 */
export type Away =
  | { readonly kind: 'refuses' }
  | { readonly kind: 'resets' }
  | { readonly kind: 'hangs' }
  | { readonly kind: 'error'; readonly status: number; readonly code: string };

export interface OutageProxy {
  readonly url: string;
  leave(how: Away): Promise<void>;
  comeBack(): Promise<void>;
}

/** A server between the function and a service that can be away. Only a service that speaks HTTP can answer with errors. */
export async function outageProxy(target: string): Promise<OutageProxy> {
  const { protocol, hostname, port } = new URL(target);
  const sockets = new Set<net.Socket>();
  let away: Away | undefined;

  function serve(client: net.Socket): void {
    const service = net.connect(Number(port), hostname);
    const own = [client, service];
    for (const socket of own) {
      sockets.add(socket);
      const close = () => {
        sockets.delete(socket);
        for (const each of own) each.destroy();
      };
      socket.on('close', close).on('error', close);
    }
    let isLost = false;
    const pass = (to: net.Socket) => (chunk: Buffer) => {
      isLost ||= away !== undefined;
      if (!isLost) to.write(chunk);
      else if (away?.kind === 'resets') client.resetAndDestroy();
      else if (away?.kind === 'error') client.end(answer(away));
    };
    client.on('data', pass(service));
    service.on('data', pass(client));
  }

  const server = net.createServer(serve);
  const ownPort = await listen(server);
  return {
    url: `${protocol}//127.0.0.1:${ownPort}`,
    async leave(how) {
      away = how;
      if (how.kind !== 'refuses') return;
      server.close();
      for (const socket of sockets) socket.destroy();
    },
    async comeBack() {
      away = undefined;
      if (server.listening) return;
      server.listen(ownPort, '127.0.0.1');
      await once(server, 'listening');
    },
  };
}

function answer({ status, code }: Extract<Away, { kind: 'error' }>): string {
  const body = JSON.stringify({ __type: code, message: 'planned' });
  const headers = `content-type: application/x-amz-json-1.1\r\ncontent-length: ${body.length}\r\nconnection: close`;
  return `HTTP/1.1 ${status} Planned\r\n${headers}\r\n\r\n${body}`;
}
