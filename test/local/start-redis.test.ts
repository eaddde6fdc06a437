import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { permissionsFor } from '../../functions/redis/permissions.ts';
import { type LocalRedis, startRedis } from '../../local/redis.ts';
import { command } from '../redis.ts';
import { contentsOf } from './foreign-keys.ts';
import { figure, type Program, start } from './program.ts';

/** The user of the README. */
const READER = `on >hunter2 %R~bull:* -@all ${permissionsFor('forward', 'reconcile')}`.split(' ');

let redis: LocalRedis;
let reader: string;

beforeAll(async () => {
  redis = await startRedis();
  reader = redis.url.replace('//', '//bullbridge:hunter2@');
  await command(redis.url, 'ACL', 'SETUSER', 'bullbridge', ...READER);
});

afterAll(() => redis[Symbol.asyncDispose]());

/** What was printed after the line that says where Redis is, if there is one. */
const faultIn = (output: string) =>
  output
    .trim()
    .split('\n')
    .slice(output.includes('\nRedis ') ? 2 : 1);

describe('a Redis that refuses', () => {
  test('writes of a user who may only read: one sentence, before any key is written; queues are forwarded', async () => {
    await command(redis.url, 'XADD', 'bull:read:events', '*', 'event', 'completed', 'jobId', '7', 'returnvalue', '1');
    const before = await contentsOf(redis.url);
    const [program, forwarding] = await Promise.all([
      start(['--watch'], { REDIS_URL: reader }),
      start(['--queues', 'read'], { REDIS_URL: reader }),
    ]);

    expect(await program.ended, program.output()).toBe(1);
    expect(await forwarding.ended, forwarding.output()).toBe(0);
    expect(figure(forwarding.output(), 'arrived')).toBe(1);
    expect(forwarding.output()).not.toMatch(/NOPERM|^\s+at /m);

    expect(faultIn(program.output())).toEqual([
      expect.stringMatching(
        /cannot write to Redis 127\.0\.0\.1:\d+ as user "bullbridge": this user may not write there \(NOPERM .*`npm start -- --queues <names>`.*leave REDIS_URL out\.$/,
      ),
    ]);
    expect(program.output()).not.toContain('hunter2');
    expect(await contentsOf(redis.url)).toEqual(before);
  });

  test('writes while it runs, or is gone: the demonstration ends with the reason, or at the second signal', async () => {
    await using full = await startRedis();
    await using gone = await startRedis();
    const programs = await Promise.all([full, gone, gone].map(({ url }) => start(['--watch'], { REDIS_URL: url })));
    const [refused, left, hurried] = programs as [Program, Program, Program];
    await Promise.all(programs.map((program) => program.says(/Job Completed/)));

    await command(full.url, 'CONFIG', 'SET', 'min-replicas-to-write', '1');
    await gone[Symbol.asyncDispose]();
    hurried.kill('SIGINT');
    await hurried.says(/second Ctrl-C/);
    hurried.kill('SIGTERM');

    expect(await refused.ended, refused.output()).toBe(1);
    expect(refused.output()).toMatch(
      /cannot write to Redis .*: too few replicas follow it .*\(NOREPLICAS .*REDIS_URL out\.$/m,
    );
    expect(await hurried.ended, hurried.output()).toBe(143);
    expect(hurried.output()).toMatch(/^Keys under bullbridge-demo-[0-9a-f]{32} may be left in Redis\.$/m);
    expect(await left.ended, left.output()).toBe(1);
    expect(left.output()).toMatch(/failed on Redis 127\.0\.0\.1:\d+ .*: nothing listens there/);
    for (const each of programs) expect(each.output()).not.toMatch(/^\s+at |ioredis|ReplyError/m);
  });

  test('reads for a while: watched queues are read again', async () => {
    await using own = await startRedis();
    const allow = (...rules: readonly string[]) => command(own.url, 'ACL', 'SETUSER', 'bullbridge', ...rules);
    const add = (queue: string) =>
      command(own.url, 'XADD', `bull:${queue}:events`, '*', 'event', 'completed', 'jobId', queue, 'returnvalue', '1');
    await allow(...READER);
    await add('first');
    const program = await start(['--queues', '*', '--watch'], {
      REDIS_URL: own.url.replace('//', '//bullbridge:hunter2@'),
    });
    await program.says(/#first/);

    await allow('-@all');
    await program.says(/the user may not do this/);
    await allow(...READER);
    await add('second');

    await program.says(/#second/);
    program.kill('SIGINT');
    expect(await program.ended, program.output()).toBe(0);
  });
});

describe('REDIS_URL', () => {
  test('that cannot be reached causes one sentence, without its password', async () => {
    const host = redis.url.replace('redis://', '');
    const cases: [url: string, sentence: RegExp][] = [
      ['redis://:hunter2@127.0.0.1:1', /^connecting failed on Redis 127\.0\.0\.1:1 .*nothing listens there/],
      ['redis://me:hunter2@no-such-host.invalid', /^connecting failed on Redis no-such-host\.invalid:6379 .*not known/],
      [`rediss://:hunter2@${host}`, /the server does not speak TLS .*; use redis:\/\/ instead of rediss:\/\//],
      [`redis://me:hunter2@${host}`, /user or password is wrong/],
      [
        `${redis.url}/99`,
        /^selecting database 99 failed on Redis .*: the server does not have this database \(ERR DB index is out of range\)/,
      ],
      [`http://:hunter2@${host}`, /^REDIS_URL is not valid .*: it must begin with redis:\/\/ or rediss:\/\/\.$/],
    ];
    await Promise.all(
      cases.map(async ([url, sentence]) => {
        const program = await start(['--queues', 'emails'], { REDIS_URL: url });

        expect(await program.ended, program.output()).toBe(1);

        expect(
          program
            .output()
            .trim()
            .split('\n')
            .filter((line) => !line.startsWith('Forwards')),
        ).toEqual([expect.stringMatching(sentence)]);
        expect(program.output()).not.toContain('hunter2');
      }),
    );
  });
});

describe('queues that do not exist', () => {
  test('end it at once, with the queues that were found instead', async () => {
    await command(redis.url, 'HSET', 'app:e\u001bmails:meta', 'opts.maxLenEvents', '10');
    const program = await start(['--queues', 'emails,x', '--prefix', 'app'], { REDIS_URL: redis.url });

    expect(await program.ended, program.output()).toBe(1);

    expect(faultIn(program.output())).toEqual([
      'Under the prefix "app" there is no queue named "emails", "x". Found there: "e\\u001bmails".',
    ]);
  });

  test('are awaited with --watch, and forwarded once they exist', async () => {
    const program = await start(['--queues', 'late', '--watch'], { REDIS_URL: redis.url });
    await program.says(/there is no queue named "late"[\s\S]*A rule delivers/);

    await command(redis.url, 'XADD', 'bull:late:events', '*', 'event', 'completed', 'jobId', '7', 'returnvalue', '1');

    await program.says(/Job Completed +late +#7/);
    program.kill('SIGINT');
    expect(await program.ended).toBe(0);
  });
});
