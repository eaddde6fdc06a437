import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { expect, onTestFinished } from 'vitest';
import { startNative } from '../local/redis.ts';
import { faketimeLibrary, nativeServer } from './needs.ts';
import { adminRedis } from './redis.ts';

/** A server of a test's own. */
export interface Server {
  readonly url: string;
  readonly admin: Redis;
  stop(): Promise<void>;
}

/** Starts a server that ends with the test. */
export async function ownServer(args: readonly string[] = [], environment?: Record<string, string>): Promise<Server> {
  const redis = await startNative(nativeServer(), args, environment);
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

/** A server that has all that another one has until it is promoted, and then goes on alone. */
export interface Replica extends Server {
  /** Waits until it has what the primary has. */
  waitFor(): Promise<void>;
  promote(): Promise<void>;
  /** Sets its clock right again, where it was behind; resolves once new ids show it. */
  correctClock(): Promise<void>;
}

/** Starts a replica; its clock can be seconds behind that of its primary. */
export async function startReplica(primary: Server, { secondsBehind = 0 } = {}): Promise<Replica> {
  const directory = mkdtempSync(join(tmpdir(), 'bullbridge-clock-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'shift');
  writeFileSync(file, `-${secondsBehind}`);
  const { hostname, port } = new URL(primary.url);
  const replica = await ownServer(['--replicaof', hostname, port], secondsBehind > 0 ? clockOf(file) : {});
  return {
    ...replica,
    async waitFor() {
      await expect.poll(() => primary.admin.wait(1, 1000)).toBe(1);
    },
    async promote() {
      await replica.admin.replicaof('NO', 'ONE');
    },
    async correctClock() {
      writeFileSync(file, '+0');
      const idTime = async () => Number.parseInt(`${await replica.admin.xadd('clock', '*', 'n', 1)}`, 10);
      await expect.poll(idTime).toBeGreaterThan(Date.now() - 1000);
      await replica.admin.unlink('clock');
    },
  };
}

/** The environment of a program whose clock is off by what a file says. */
const clockOf = (file: string) => ({
  // With libc before jemalloc, which asks for the time while libfaketime waits for its memory, and both would wait for
  // ever.
  LD_PRELOAD: `${faketimeLibrary()} libc.so.6`,
  FAKETIME_TIMESTAMP_FILE: file,
  FAKETIME_NO_CACHE: '1',
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
});
