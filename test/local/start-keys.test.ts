import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalRedis, startRedis } from '../../local/redis.ts';
import { contentsOf, plant } from './foreign-keys.ts';
import { figure, type Program, shell, start } from './program.ts';

/** Of a Redis that others use, too, `npm start` changes nothing but keys under the prefix that it makes up. */
let redis: LocalRedis;
let admin: Redis;
let before: Map<string, string>;

/** The prefix that it made up. */
const nameIn = (program: Program) => /bullbridge-demo-[0-9a-f]{32}/.exec(program.output())?.[0] as string;

beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url, { maxRetriesPerRequest: null });
  for (const prefix of ['bull', 'app:jobs', 'bullbridge-demo', 'bullbridge-demo-*', '[a-z]*', '*'])
    for (const db of [0, 1]) await plant(redis.url, db, prefix);
  before = await contentsOf(redis.url);
});

afterAll(async () => {
  admin.disconnect();
  await redis[Symbol.asyncDispose]();
});

describe('the keys of others are unchanged', () => {
  test('after the demonstration, whose own keys are gone', async () => {
    const program = await start([], { REDIS_URL: redis.url });

    expect(await program.ended, program.output()).toBe(0);

    const output = program.output();
    expect(output.split('\n')[0]).toMatch(/^Runs real jobs and forwards their events/);
    expect(output).toMatch(/Job Failed +payments/);
    expect(output).not.toContain('\u001b');
    expect(figure(output, 'jobs')).toBe(120);
    expect(figure(output, 'published')).toBeGreaterThan(120);
    expect(figure(output, 'arrived')).toBe(figure(output, 'published'));
    expect([figure(output, 'lost'), figure(output, 'duplicates')]).toEqual([0, 0]);
    expect(await contentsOf(redis.url)).toEqual(before);
  });

  test('after their queues were forwarded, and after a refused command line', async () => {
    const calls = [
      [['--queues', 'emails'], 0],
      [['--queues', '*'], 0],
      [['--queues', ' emails, emails,,nothing ', '--prefix', 'app:jobs'], 0],
      [['--queues', '*', '--prefix', '*'], 0],
      [['--prefix', 'bull'], 1],
      [['--prefix', 'bull', '--watch'], 1],
    ] as const;
    const outputs = await Promise.all(
      calls.map(async ([args, code]) => {
        const program = await start(args, { REDIS_URL: redis.url });
        expect(await program.ended, program.output()).toBe(code);
        return program.output();
      }),
    );

    expect(outputs.slice(0, 4).map((output) => figure(output, 'events in Redis'))).toEqual([6, 7, 6, 7]);
    expect(await contentsOf(redis.url)).toEqual(before);
  });

  test('after Ctrl-C while their queues are watched, after a closed output, and after `kill -9`', async () => {
    const environment = { REDIS_URL: redis.url };
    const [watching, unread, killed] = await Promise.all([
      start(['--watch', '--queues', 'stream'], environment),
      shell(`'${process.execPath}' local/start.ts --watch | head -30`, environment),
      start([], environment),
    ]);
    const programs = [watching, unread, killed];
    await Promise.all(programs.map((program) => program.says(/Job Completed/)));

    watching.kill('SIGINT', 'group');
    killed.kill('SIGKILL', 'group');

    expect(await Promise.all(programs.map(({ ended }) => ended))).toEqual([0, 0, 'SIGKILL']);
    // Only `kill -9` leaves keys, and only its own.
    const own = `0 ${nameIn(killed)}:`;
    const after = [...(await contentsOf(redis.url))].filter(([key]) => !key.startsWith(own));
    expect(new Map(after)).toEqual(before);
  });

  test('after Ctrl-C, in the database of the URL and in others, also under similar prefixes', async () => {
    const program = await start(['--watch'], { REDIS_URL: `${redis.url}/1` });
    await program.says(/Job Completed/);
    const name = nameIn(program);
    expect(await admin.keys(`${name}:*`)).toEqual([]);
    await plant(redis.url, 0, name);
    for (const prefix of [`${name}-2`, `x${name}`, `${name}*`, name.toUpperCase()]) await plant(redis.url, 1, prefix);
    const planted = new Map([...(await contentsOf(redis.url))].filter(([key]) => !key.startsWith(`1 ${name}:`)));

    program.kill('SIGINT', 'group');

    expect(await program.ended, program.output()).toBe(0);
    expect(await contentsOf(redis.url)).toEqual(planted);
  });
});
