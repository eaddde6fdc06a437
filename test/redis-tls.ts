import { freePort } from '../local/process.ts';
import type { Authority } from './certificates.ts';
import { ownServer, type Server } from './replicas.ts';

/** A server that speaks TLS at a port of its own, beside the one without. */
export interface TlsServer extends Server {
  readonly tlsPort: number;
}

/** Starts a server whose certificate is for the loopback interface unless other names are given. */
export async function startTlsServer(
  authority: Authority,
  {
    names = 'DNS:localhost,IP:127.0.0.1',
    days = 2,
    args = ['--tls-auth-clients', 'no'],
  }: { names?: string; days?: number; args?: readonly string[] } = {},
): Promise<TlsServer> {
  const { cert, key } = authority.sign(names, days);
  const tlsPort = await freePort();
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', authority.caFile];
  return { ...(await ownServer(['--tls-port', `${tlsPort}`, ...files, ...args])), tlsPort };
}
