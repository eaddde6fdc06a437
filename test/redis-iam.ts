import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { ownAuthority } from './certificates.ts';
import { listen } from './listen.ts';
import { startTlsServer } from './redis-tls.ts';
import type { Server } from './replicas.ts';
import { signatureOf } from './sigv4.ts';

export interface IamRedis {
  readonly server: Server;
  readonly port: number;
  readonly ca: string;
  /** How many connections came with a good token. */
  readonly accepted: () => number;
}

export interface IamUser {
  readonly name: string;
  /** Rules of Redis's ACL. */
  readonly rules: readonly string[];
  /** What a token must begin with: the cache and its parameters. */
  readonly request: string;
  readonly secretKey: string;
}

/** A real server with TLS and ACL, and in front of it what checks tokens as AWS does: a good one is the user's password. */
export async function startIamRedis(user: IamUser): Promise<IamRedis> {
  const authority = ownAuthority();
  const server = await startTlsServer(authority);
  const { cert, key } = authority.sign('IP:127.0.0.1');
  await server.admin.call('ACL', 'SETUSER', user.name, 'on', 'resetpass', ...user.rules);
  await server.admin.call('ACL', 'SETUSER', 'default', 'resetpass', 'off');
  let accepted = 0;
  const front = tls.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, async (socket) => {
    const [first] = (await once(socket, 'data')) as [Buffer];
    socket.pause();
    const [, name, token = ''] = wordsOf(first);
    if (name === user.name && isGood(token, user)) {
      accepted += 1;
      await server.admin.call('ACL', 'SETUSER', user.name, 'resetpass', `>${token}`);
    }
    const upstream = tls.connect({ host: '127.0.0.1', port: server.tlsPort, ca: authority.ca });
    for (const end of [socket, upstream]) end.on('error', () => {});
    upstream.write(first);
    socket.pipe(upstream).pipe(socket);
  });
  return { server, port: await listen(front), ca: authority.ca, accepted: () => accepted };
}

/** The words of the first command of a connection. */
function wordsOf(command: Buffer): string[] {
  const lines = command.toString('latin1').split('\r\n');
  return lines.slice(1).filter((_, i) => i % 2 === 1);
}

function isGood(token: string, { request, secretKey }: IamUser): boolean {
  if (!token.startsWith(request)) return false;
  const parameters = new URL(`http://${token}`).searchParams;
  const [, y = '', mo = '', d = '', h = '', mi = '', s = ''] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(parameters.get('X-Amz-Date') ?? '') ?? [];
  const age = Date.now() - Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  const isFresh = age < Number(parameters.get('X-Amz-Expires')) * 1000;
  return isFresh && parameters.get('X-Amz-Signature') === signatureOf(token, secretKey);
}
