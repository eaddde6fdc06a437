import net from 'node:net';
import tls from 'node:tls';
import { AbstractConnector } from 'ioredis';
import type { Address } from './url.ts';

/** Reads a chunk, which the next chunk overwrites. @returns the bytes for ioredis, in memory of their own */
export type Filter = (chunk: Buffer) => Buffer;

/** Bytes of one read, as in Node itself. */
const READ_BYTES = 65_536;

/**
 * Creates a connector for ioredis that passes the input of its socket through a filter.
 *
 * By default, each read allocates 64 KB, and garbage collection lets tens of megabytes pile up. This socket always
 * reads into the same buffer, from which the filter copies what it keeps.
 * https://nodejs.org/api/net.html#new-netsocketoptions
 * @param secure the options of TLS; absent without TLS
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

    /** An orderly end would wait for the rest of a reply. */
    override disconnect() {
      this.stream?.destroy();
    }
  };
}

/**
 * The TLS options for a server. Its certificate must be for the server's address, or for a host of the URL.
 *
 * Clusters and Sentinels often name servers by IP address, while the certificate is for the name that clients use.
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
      const bytes = filter(buffer.subarray(0, length));
      if (bytes.length > 0) socket.emit('data', bytes);
      return true;
    },
  };
  const socket: net.Socket = secure
    ? tls.connect({ ...secure, host, port, onread } as tls.ConnectionOptions)
    : net.connect({ host, port, onread });
  return socket;
}
