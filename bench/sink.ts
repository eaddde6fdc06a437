import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { start, stop } from '../local/process.ts';
import type { Certificate } from './certificate.ts';

const PROGRAM = fileURLToPath(new URL('../local/bus/main.ts', import.meta.url));

/** A bus in a process of its own that accepts all and looks into nothing. */
export interface Sink extends AsyncDisposable {
  readonly url: string;
}

/** @param delay milliseconds that it takes to answer */
export async function startSink({ delay = 0, certificate = undefined as Certificate | undefined } = {}): Promise<Sink> {
  const tls = certificate ? ['--cert', certificate.cert, '--key', certificate.key] : [];
  const child = start(process.execPath, [PROGRAM, '--delay', `${delay}`, ...tls], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = String((await once(child.stdout as Readable, 'data'))[0]).trim();
  return { url, [Symbol.asyncDispose]: () => stop(child) };
}
