import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { findServer, startNative } from '../local/redis.ts';
import { adminRedis } from './redis.ts';

/** A server of a test's own. */
export interface Server {
  readonly url: string;
  readonly admin: Redis;
  stop(): Promise<void>;
}

const server = findServer();
const faketime = findFaketime();

/** Why there can be no replica here, and no clock that is behind; `undefined` where there can be. */
export const missing = {
  server: server ? undefined : 'no redis-server or valkey-server 7 or later is on the PATH',
  clock: faketime ? undefined : 'libfaketime is not installed (Debian: apt-get install faketime)',
};

/** Where Debian's package `faketime` puts its library, for whichever processor. */
function findFaketime(): string | undefined {
  const libraries = existsSync('/usr/lib') ? readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`) : [];
  return libraries.map((path) => join(path, 'faketime/libfaketime.so.1')).find((file) => existsSync(file));
}

/** Starts a server that ends with the test. */
export async function ownServer(args: readonly string[] = [], environment?: Record<string, string>): Promise<Server> {
  if (!server) throw new Error(missing.server);
  const redis = await startNative(server, args, environment);
  onTestFinished(() => redis[Symbol.asyncDispose]());
  const admin = adminRedis(redis.url);
  return {
    url: redis.url,
    admin,
    async stop() {
      admin.disconnect();
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** Runs a test where what it needs is there; elsewhere it is skipped with the reason, but not on CI, which must have it. */
export function testWhere(reason: string | undefined) {
  if (reason === undefined || process.env['CI']) return test;
  console.log(`Skipped: ${reason}`);
  return test.skip;
}

/** A server that has all that another one has until it is promoted, and then goes on alone. */
export interface Replica extends Server {
  /** Waits until it has what the primary has. */
  waitFor(): Promise<void>;
  promote(): Promise<void>;
  /** Sets its clock right again, where it was behind. */
  mendClock(): void;
}

/** Starts a replica; its clock can be seconds behind that of its primary. */
export async function startReplica(primary: Server, { secondsBehind = 0 } = {}): Promise<Replica> {
  if (secondsBehind > 0 && !faketime) throw new Error(missing.clock);
  const directory = mkdtempSync(join(tmpdir(), 'bullbridge-clock-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'shift');
  writeFileSync(file, `-${secondsBehind}`);
  const clock = {
    // With libc before jemalloc, which asks for the time while libfaketime waits for its memory, and both would wait for ever.
    LD_PRELOAD: `${faketime} libc.so.6`,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const { hostname, port } = new URL(primary.url);
  const replica = await ownServer(['--replicaof', `${hostname} ${port}`], secondsBehind > 0 ? clock : {});
  return {
    ...replica,
    async waitFor() {
      await expect.poll(() => primary.admin.wait(1, 1000), { timeout: 10_000 }).toBe(1);
    },
    async promote() {
      await replica.admin.replicaof('NO', 'ONE');
    },
    mendClock: () => writeFileSync(file, '+0'),
  };
}
