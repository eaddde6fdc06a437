import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { DEAD_LETTERS } from '../../local/stack.ts';
import { mayRead } from '../needs.ts';
import { rejection } from '../rejection.ts';
import { type GapStack, gapStack, HOUR, LEASE, NOW } from './gaps.ts';

const nothing = { gaps: 0, completed: 0, failed: 0, unknown: 0 };
const jobIds = (stack: GapStack) => stack.recovered().map(({ jobId }) => jobId);
const numbered = (count: number, first = 0) => Array.from({ length: count }, (_, n) => ({ id: `j${first + n}` }));

describe('a recovered event', () => {
  test('has the envelope of an event, its own id and time, and the result of the job', async () => {
    const stack = await gapStack();
    await stack.open();
    await stack.finish('completed', [{ id: 'a:b/c', at: NOW + 1, result: '{"ok":[true]}' }]);
    await stack.finish('failed', [{ id: 'd', at: NOW + 2, result: 'declined "é"\n' }]);

    await stack.reconcile.invoke({});

    const origin = { version: '1', sourceName: 'default', prefix: stack.prefix, queue: 'q', recovered: true };
    expect(stack.bus.accepted.slice(0, 2)).toMatchObject([
      { Source: 'bullmq', DetailType: 'Job Completed', Time: (NOW + 1) / 1000 },
      { Source: 'bullmq', DetailType: 'Job Failed', Time: (NOW + 2) / 1000 },
    ]);
    expect(stack.recovered()).toEqual([
      {
        ...origin,
        id: `default/${stack.prefix}:q/a:b/c/completed/${NOW + 1}`,
        event: 'completed',
        timestamp: NOW + 1,
        jobId: 'a:b/c',
        returnvalue: { ok: [true] },
      },
      {
        ...origin,
        id: `default/${stack.prefix}:q/d/failed/${NOW + 2}`,
        event: 'failed',
        timestamp: NOW + 2,
        jobId: 'd',
        failedReason: 'declined "é"\n',
      },
    ]);
  });

  test('names a returnvalue that is not JSON, like an event of the stream', async () => {
    const stack = await gapStack();
    await stack.open();
    await stack.finish('completed', [{ id: '1', result: 'not {json' }]);

    await stack.reconcile.invoke({});

    expect(stack.recovered()).toMatchObject([{ returnvalue: 'not {json', unparsed: ['returnvalue'] }]);
  });

  test('may be a duplicate near the ends of the gap, where clocks may differ, but not in the middle or beyond', async () => {
    const stack = await gapStack({ BULLBRIDGE_CLOCK_SKEW_MS: '500' });
    await stack.open({ afterId: `${NOW}-3`, beforeId: `${NOW + 5000}-1` });
    const times = [-501, -500, 0, 500, 501, 4499, 4500, 5000, 5500, 5501];
    await stack.finish(
      'completed',
      times.map((at) => ({ id: `${at}`, at: NOW + at })),
    );

    await stack.reconcile.invoke({});

    const doubtful = stack.recovered().filter(({ possibleDuplicate }) => possibleDuplicate === true);
    expect(jobIds(stack)).toEqual(['-500', '0', '500', '501', '4499', '4500', '5000', '5500']);
    expect(doubtful.map(({ jobId }) => jobId)).toEqual(['-500', '0', '500', '4500', '5000', '5500']);
  });

  test('is recovered only if its event is selected', async () => {
    const stack = await gapStack({ BULLBRIDGE_EVENTS: 'failed,stalled' });
    await stack.open();
    await stack.finish('completed', numbered(3));
    await stack.finish('failed', numbered(2, 3));

    expect(await stack.reconcile.invoke({})).toEqual({ gaps: 1, completed: 0, failed: 2, unknown: 98, caughtUp: true });
    expect(jobIds(stack)).toEqual(['j3', 'j4']);
  });

  test('counts if the bus refuses it, because it is parked', async () => {
    const stack = await gapStack();
    await stack.open();
    await stack.finish('completed', numbered(3));
    stack.bus.faults.putEvents = ({ number }) =>
      number === 1 ? { kind: 'entries', codes: { 1: 'MalformedDetail' } } : undefined;

    expect(await stack.reconcile.invoke({})).toMatchObject({ gaps: 1, completed: 3 });
    expect(stack.bus.messages(DEAD_LETTERS)).toHaveLength(1);
    expect(jobIds(stack)).toEqual(['j0', 'j2']);
  });
});

describe('a job', () => {
  test('that was removed or retried is left out, like a key that is not a job', async () => {
    const stack = await gapStack();
    await stack.open();
    const gone = ['removed', 'retried', 'later', 'meta'];
    await stack.finish(
      'completed',
      [...gone, 'there'].map((id) => ({ id })),
    );
    await stack.admin.del(`${stack.prefix}:q:removed`, `${stack.prefix}:q:meta`);
    await stack.admin.hdel(`${stack.prefix}:q:retried`, 'finishedOn');
    await stack.admin.hset(`${stack.prefix}:q:later`, 'finishedOn', NOW + 5 * HOUR);
    await stack.admin.set(`${stack.prefix}:q:meta`, 'no hash');

    expect(await stack.reconcile.invoke({})).toMatchObject({ completed: 1, unknown: 99, caughtUp: true });
    expect(jobIds(stack)).toEqual(['there']);
  });

  test('is found among more jobs of the same time than a page has', async () => {
    const stack = await gapStack();
    await stack.open({ lost: 5000 });
    await stack.finish('completed', numbered(1700));
    await stack.finish('completed', [{ id: 'next', at: NOW + 1001 }]);

    expect(await stack.reconcile.invoke({})).toMatchObject({ completed: 1701, unknown: 3299 });
    expect(new Set(jobIds(stack)).size).toBe(1701);
  });

  test('may have an id without characters, and one that is not UTF-8', async () => {
    const stack = await gapStack();
    await stack.open();
    await stack.finish('completed', [{ id: '' }, { id: Buffer.from('ff00', 'hex') }]);

    expect(await stack.reconcile.invoke({})).toMatchObject({ completed: 2 });
    expect(jobIds(stack)).toEqual(['', '\ufffd\0']);
  });

  test('may have a returnvalue of megabytes, like many others', async () => {
    const stack = await gapStack();
    await stack.open();
    const large = JSON.stringify('x'.repeat(2_000_000));
    await stack.finish('completed', [...numbered(40).map((job) => ({ ...job, result: large })), ...numbered(700, 40)]);

    expect(await stack.reconcile.invoke({})).toMatchObject({ gaps: 1, completed: 740 });
    expect(new Set(jobIds(stack)).size).toBe(740);
    expect(stack.reconcile.usage.maxMemory).toBeLessThan(256 * 1024 * 1024);
  });
});

describe('a gap', () => {
  test('is reported once it is recovered, with the number of unknown events', async () => {
    const stack = await gapStack();
    await stack.open({ beforeId: null, detectedAt: NOW + 2000 });
    await stack.finish('completed', numbered(3));
    await stack.finish('failed', numbered(2, 3));

    await stack.reconcile.invoke({});

    expect(stack.news('Events Recovered')).toEqual([
      {
        id: `default/${stack.prefix}:q/${NOW - HOUR}-0/recovered/1`,
        sourceName: 'default',
        prefix: stack.prefix,
        queue: 'q',
        afterId: `${NOW - HOUR}-0`,
        beforeId: null,
        lost: 100,
        completed: 3,
        failed: 2,
        unknown: 95,
      },
    ]);
    expect(await stack.openGaps()).toEqual([]);
  });

  test('with more jobs than it counted has no unknown events', async () => {
    const stack = await gapStack();
    await stack.open({ lost: 0, exact: false, reason: 'unknown' });
    await stack.finish('completed', numbered(3));

    expect(await stack.reconcile.invoke({})).toMatchObject({ gaps: 1, completed: 3, unknown: 0 });
  });

  test('of a roll-back has nothing to recover, because its jobs were also rolled back', async () => {
    const stack = await gapStack();
    await stack.open({ lost: 7, exact: false, reason: 'rolled-back' });
    await stack.finish('completed', numbered(3));

    expect(await stack.reconcile.invoke({})).toEqual({ gaps: 1, completed: 0, failed: 0, unknown: 7, caughtUp: true });
    expect(stack.news('Events Recovered')).toMatchObject([{ completed: 0, failed: 0, unknown: 7 }]);
  });

  test('is measured and logged', async () => {
    const stack = await gapStack({ BULLBRIDGE_QUEUES: 'other' });
    await stack.open();
    await stack.finish('failed', numbered(4));
    await stack.reconcile.invoke({});

    const lines = stack.log.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
    expect(lines).toContainEqual(expect.objectContaining({ _aws: expect.anything(), Recovered: 4, OpenGaps: 0 }));
    expect(lines).toContainEqual(
      expect.objectContaining({
        message: 'gap closed',
        queue: 'q',
        afterId: `${NOW - HOUR}-0`,
        lost: 100,
        completed: 0,
        failed: 4,
        unknown: 96,
      }),
    );
  });

  test('of one queue that cannot be read stays open, and the others are recovered', async () => {
    const stack = await gapStack();
    await stack.open({ queue: 'a-odd' });
    await stack.open();
    await stack.finish('completed', numbered(3));
    await stack.admin.set(`${stack.prefix}:a-odd:completed`, 'no set');

    expect(await rejection(stack.reconcile.invoke({}))).toMatchObject({
      name: 'RedisError',
      message: expect.stringContaining(`reading ${stack.prefix}:a-odd:completed`),
    });
    expect(jobIds(stack)).toHaveLength(3);
    expect(await stack.openGaps()).toMatchObject([{ queue: 'a-odd' }]);
    await stack.admin.del(`${stack.prefix}:a-odd:completed`);
    expect(await stack.reconcile.invoke({})).toMatchObject({ gaps: 1, completed: 0, caughtUp: true });
  });
});

describe('a run', () => {
  test('without an open gap does not connect to Redis', async () => {
    const stack = await gapStack();
    const offline = stack.start('reconcile', { REDIS_URL: 'redis://127.0.0.1:1' });

    expect(await offline.invoke({})).toEqual({ ...nothing, caughtUp: true });
    await stack.open();
    expect(await rejection(offline.invoke({}))).toMatchObject({ name: 'RedisError' });
    expect(await stack.openGaps()).toHaveLength(1);
  });

  test('does nothing and does not fail while another run has the lease', async () => {
    const stack = await gapStack();
    await stack.open();
    await stack.finish('completed', numbered(3));
    const publishing = Promise.withResolvers<void>();
    stack.bus.faults.putEvents = () => {
      publishing.resolve();
      return { kind: 'hang' };
    };
    const first = stack.reconcile.invoke({}).catch(() => undefined);
    await publishing.promise;

    // It waits until it has to end.
    const second = stack.start('reconcile', {}, { timeout: 3 });
    expect(await second.invoke({})).toEqual({ ...nothing, caughtUp: false, leaseHeld: true });
    stack.reconcile.kill();
    await first;
    stack.bus.faults.putEvents = undefined;
    await stack.expireLease(LEASE);
    expect(await stack.reconcile.invoke({})).toMatchObject({ gaps: 1, completed: 3 });
  });

  test('needs a user who may read, and nothing else', async () => {
    const stack = await gapStack();
    await stack.open({ beforeId: `${NOW + 2000}-0` });
    await stack.finish('completed', numbered(3));
    const userWith = async (...commands: string[]) => {
      const user = `reader-${stack.prefix}`;
      const rules = ['reset', 'on', '>secret', mayRead(`${stack.prefix}:*`), '-@all', ...commands];
      await stack.admin.call('ACL', 'SETUSER', user, ...rules);
      onTestFinished(async () => void (await stack.admin.call('ACL', 'DELUSER', user)));
      return Object.assign(new URL(inject('redisUrl')), { username: user, password: 'secret' }).href;
    };

    const less = stack.start('reconcile', { REDIS_URL: await userWith('+xrange', '+zrangebyscore') });
    const { message } = await rejection(less.invoke({}));
    expect(message).toContain('the user may not do this (NOPERM');
    expect(message).toContain('+xrange +zrangebyscore +hmget for reconcile');
    expect(message).not.toContain('secret');
    expect(jobIds(stack)).toEqual([]);

    const enough = stack.start('reconcile', { REDIS_URL: await userWith('+xrange', '+zrangebyscore', '+hmget') });
    expect(await enough.invoke({})).toMatchObject({ gaps: 1, completed: 3, caughtUp: true });
  });
});
