import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { expect, onTestFinished } from 'vitest';
import { eventually, freePort, start, stop } from '../local/process.ts';
import { nativeServer } from './needs.ts';
import { adminRedis } from './redis.ts';
import { ownServer, type Replica, type Server, startReplica } from './replicas.ts';

export const MASTER = 'bullmq';

/** A Sentinel that watches a master, and ends with the test. */
export async function startSentinel(master: Server, settings: readonly string[] = []): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), 'bullbridge-sentinel-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'sentinel.conf');
  const watched = [
    `sentinel monitor ${MASTER} 127.0.0.1 ${new URL(master.url).port} 1`,
    `sentinel down-after-milliseconds ${MASTER} 500`,
    `sentinel failover-timeout ${MASTER} 3000`,
  ];
  const port = await freePort();
  // A Sentinel writes what it learns into its configuration, so it takes none that is not a file.
  writeFileSync(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${directory}`, ...watched, ...settings, ''].join('\n'));
  const child = start(nativeServer().command, [file, '--sentinel']);
  onTestFinished(() => stop(child));
  const url = `redis://127.0.0.1:${port}`;
  const admin = adminRedis(url);
  // Until it listens.
  admin.on('error', () => {});
  await eventually(() => admin.ping(), child);
  return { url, admin, stop: () => stop(child) };
}

/** Waits until a Sentinel knows the replica, and lets it take over. */
export async function failOver(sentinel: Redis, replica: Replica): Promise<void> {
  const { port } = new URL(replica.url);
  const replicas = async () => JSON.stringify(await sentinel.call('SENTINEL', 'REPLICAS', MASTER));
  await expect.poll(replicas).toContain(`"${port}"`);
  await expect
    .poll(() => sentinel.call('SENTINEL', 'FAILOVER', MASTER).catch((error: Error) => error.message))
    .toBe('OK');
  await expect.poll(() => sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER)).toEqual(['127.0.0.1', port]);
}

/** A server that is a master, and one that follows it. */
export async function startPair(): Promise<{ readonly master: Server; readonly replica: Replica }> {
  const master = await ownServer();
  const replica = await startReplica(master);
  await replica.waitFor();
  return { master, replica };
}
