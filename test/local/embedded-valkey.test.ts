import type { ChildProcess } from 'node:child_process';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, start, stop } from '../../local/process.ts';

const EMBEDDED = new URL('../../local/embedded-valkey.mjs', import.meta.url).href;

let child: ChildProcess;
let redis: Redis;

/** Without its timer: what waits for that waits for ever. */
beforeAll(async () => {
  const port = await freePort();
  const program = `
    import { Embedded } from '${EMBEDDED}';
    const server = new Embedded({ port: ${port}, host: '127.0.0.1' });
    await server.start();
    clearInterval(server.timer);`;
  child = start(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program]);
  redis = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: null });
  // Until it listens.
  redis.on('error', () => {});
});

afterAll(async () => {
  redis.disconnect();
  await stop(child);
});

const kB = 1024;

test.each([
  ['1 byte', 1, 1],
  ['16 kB, as one pass reads them', 16 * kB, 1],
  ['64 kB, as one pass writes them', 64 * kB, 1],
  ['64 kB and a byte', 64 * kB + 1, 1],
  ['3 MB', 3000 * kB, 1],
  ['10 bytes, a thousand at once', 10, 1000],
  ['60 kB, a hundred at once', 60 * kB, 100],
  ['1 MB, five at once', 1000 * kB, 5],
])(
  'the embedded server stores and returns values of %s without its timer',
  { timeout: 10_000 },
  async (_, bytes, count) => {
    const keys = Array.from({ length: count }, (__, n) => `${bytes}-${n}`);
    const value = 'x'.repeat(bytes);

    await redis.mset(keys.flatMap((key) => [key, value]));
    await Promise.all(keys.map((key) => redis.append(key, 'y')));

    expect(new Set(await Promise.all(keys.map((key) => redis.get(key))))).toEqual(new Set([`${value}y`]));
    expect(await redis.mget(keys)).toEqual(keys.map(() => `${value}y`));
  },
);
