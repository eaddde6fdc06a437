import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalRedis, startRedis } from '../../local/redis.ts';
import { checkQueues } from '../../local/start/queue-check.ts';
import { adminRedis, command } from '../redis.ts';

let redis: LocalRedis;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis[Symbol.asyncDispose]());

/** Twelve queues under `full`, one with a stream and one with settings under `some`, and what only looks like one. */
async function fill(): Promise<void> {
  const admin = adminRedis(redis.url);
  await admin.flushall();
  for (const letter of 'lkjihgfedcba') await admin.hset(`full:${letter}:meta`, 'opts.maxLenEvents', 10);
  await admin.xadd('some:mails:events', '*', 'event', 'drained');
  await admin.hset('some:new:meta', 'opts.maxLenEvents', 10);
  await admin.xadd('app:{jobs}:mails:events', '*', 'event', 'drained');
  await admin.set('no:stream:events', '');
  await admin.xadd('no-prefix:events', '*', 'event', 'drained');
}

const TWELVE = '"a", "b", "c", "d", "e", "f", "g", "h", "i", "j" and 2 more';
const OTHERS = 'Queues were found under "app:{jobs}", "some": choose one with --prefix.';

describe('existing queues', () => {
  test.each([
    ['some', ['mails']],
    ['some', ['new']],
    ['some', ['mails', 'new']],
    ['full', ['a', 'l']],
    ['app:{jobs}', ['mails']],
    ['full', '*'],
    ['some', '*'],
  ] as const)('under %s: %j', async (prefix, queues) => {
    await fill();

    expect(await checkQueues(redis.url, prefix, queues)).toEqual({ isAnyThere: true });
  });
});

describe('missing queues', () => {
  test.each([
    ['full', ['emails'], false, `Under the prefix "full" there is no queue named "emails". Found there: ${TWELVE}.`],
    [
      'full',
      ['z', 'a', 'x'],
      true,
      `Under the prefix "full" there is no queue named "x", "z". Found there: ${TWELVE}.`,
    ],
    ['some', ['Mails'], false, 'Under the prefix "some" there is no queue named "Mails". Found there: "mails", "new".'],
    ['bull', ['mails'], false, `Under the prefix "bull" there is no queue named "mails". ${OTHERS}`],
    ['bull', '*', false, `Under the prefix "bull" there is no queue. ${OTHERS}`],
    ['so*', '*', false, `Under the prefix "so*" there is no queue. ${OTHERS}`],
    ['no', ['stream'], false, `Under the prefix "no" there is no queue named "stream". ${OTHERS}`],
  ] as const)('under %s: %j', async (prefix, queues, isAnyThere, remark) => {
    await fill();

    expect(await checkQueues(redis.url, prefix, queues)).toEqual({ isAnyThere, remark });
  });

  test('also under any other prefix', async () => {
    await command(redis.url, 'FLUSHALL');

    expect(await checkQueues(redis.url, 'bull', ['emails'])).toEqual({
      isAnyThere: false,
      remark:
        'Under the prefix "bull" there is no queue named "emails". There is no queue under any other prefix of this database either.',
    });
  });

  test('are found under other prefixes even by a user who may not read there', async () => {
    await fill();
    await command(redis.url, 'ACL', 'SETUSER', 'reader', 'on', '>pw', '%R~bull:*', '+xinfo|stream', '+scan');

    const { remark } = await checkQueues(redis.url.replace('//', '//reader:pw@'), 'bull', ['emails']);

    expect(remark).toContain('Queues were found under "app:{jobs}", ');
  });

  test('are distinguished from queues that the user may not read', async () => {
    await command(redis.url, 'ACL', 'SETUSER', 'reader', 'on', '>pw', '%R~bull:*', '+xinfo|stream', '+scan');

    const checked = checkQueues(redis.url.replace('//', '//reader:pw@'), 'other', ['emails']);

    await expect(checked).rejects.toThrow(/looking at the queues under other failed .* the user may not do this/);
  });
});
