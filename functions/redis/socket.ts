import net from 'node:net';
import tls from 'node:tls';
import { AbstractConnector } from 'ioredis';
import type { Address } from './url.ts';

/** Chooses what is kept of a chunk that arrived; the chunk itself is overwritten by the next one. */
export type Filter = (chunk: Buffer) => readonly Buffer[];

/** How many bytes are read at once: as many as Node itself reads. */
const READ_BYTES = 65_536;

/**
 * Makes what opens the socket of ioredis: one whose input goes through a filter.
 *
 * Each read of a socket of Node's leaves 64 KB for the garbage collector, which takes tens of megabytes before it begins. This
 * one reads into the same buffer each time, and only what the filter keeps is copied.
 * https://nodejs.org/api/net.html#new-netsocketoptions
 * @param secure options of TLS; absent without it
 */
export function connectorOf(address: Address, secure: tls.ConnectionOptions | undefined, filter: Filter) {
  return class extends AbstractConnector {
    constructor() {
      super(0);
    }

    override async connect() {
      const stream = open(address, secure, filter);
      stream.once('error', (error) => {
        this.firstError = error;
      });
      this.stream = stream;
      return stream;
    }

    /** An orderly end would first wait for what the server is still sending. */
    override disconnect() {
      this.stream?.destroy();
    }
  };
}

/**
 * The options of TLS for a server: its certificate must be for its address, or for a host of the URL that led to it.
 *
 * Clusters and Sentinels often name servers by addresses that nobody signs, while the certificate is for the name that clients know.
 */
export function secureOptions(
  { host }: Address,
  { hosts, ca }: { readonly hosts: readonly string[]; readonly ca?: string | undefined },
): tls.ConnectionOptions {
  const names = [host, ...hosts];
  const servername = names.find((name) => net.isIP(name) === 0);
  return {
    ...(ca !== undefined && { ca }),
    ...(servername !== undefined && { servername }),
    checkServerIdentity(_, certificate) {
      const faults = names.map((name) => tls.checkServerIdentity(name, certificate));
      return faults.includes(undefined) ? undefined : faults[0];
    },
  };
}

function open({ host, port }: Address, secure: tls.ConnectionOptions | undefined, filter: Filter): net.Socket {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const onread = {
    buffer,
    callback(length: number) {
      for (const part of filter(buffer.subarray(0, length))) socket.emit('data', Buffer.from(part));
      return true;
    },
  };
  const socket: net.Socket = secure
    ? tls.connect({ ...secure, host, port, onread } as tls.ConnectionOptions)
    : net.connect({ host, port, onread });
  return socket;
}
