import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { membersAfter } from '../../functions/reconcile/members.ts';
import { formatPlace, OUTCOMES, type Place, parsePlace } from '../../functions/reconcile/place.ts';
import type { RedisConnection } from '../../functions/redis/port.ts';
import { adminRedis, ownPrefix, runConnection } from '../redis.ts';

const id = fc.uint8Array({ maxLength: 2 }).map((bytes) => Buffer.from(bytes));
// Few scores, so that most pages begin amid members of the same one.
const score = fc.integer({ min: -1, max: 1 });
const members = fc.array(fc.record({ id, score }), { maxLength: 60 });

describe('the members of a sorted set behind a place', () => {
  test('are each read once, in order, whatever is removed between and during the pages', async () => {
    const admin = adminRedis();
    const connection = await runConnection();
    const key = `${ownPrefix()}:q:completed`;
    const removals = fc.array(fc.array(fc.nat(9), { maxLength: 4 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(members, removals, fc.integer({ min: 1, max: 4 }), score, async (given, ranks, count, to) => {
        await admin.del(key);
        for (const member of given) await admin.zadd(key, member.score, member.id);
        const removed = new Set<string>();
        const upcoming = [...ranks];
        // In front of each command that a page needs, somebody removes members.
        const busy: RedisConnection = {
          ...connection,
          send: async (commands, limits) => {
            for (const rank of upcoming.shift() ?? []) {
              const [gone] = await admin.zrangeBuffer(key, `${rank}`, `${rank}`);
              if (gone) {
                removed.add(gone.toString('hex'));
                await admin.zrem(key, gone);
              }
            }
            return connection.send(commands, limits);
          },
        };
        const expected = (await admin.zrangebyscoreBuffer(key, -2, to)).map((member) => member.toString('hex'));

        const read: string[] = [];
        let place: { score: number; member?: Buffer } = { score: -2 };
        for (;;) {
          const page = await membersAfter(busy, key, place, to, count);
          const last = page.at(-1);
          if (!last) break;
          read.push(...page.map((member) => member.id.toString('hex')));
          place = { score: last.score, member: last.id };
        }

        // What was removed may have been read before; everything else was read, once, in the order of the set.
        expect(new Set(read).size).toBe(read.length);
        expect(read.filter((member) => !removed.has(member))).toEqual(
          expected.filter((member) => !removed.has(member)),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe('a place as text', () => {
  const place = fc.record<Place>(
    { outcome: fc.constantFrom(...OUTCOMES), score: fc.double({ noNaN: true, noDefaultInfinity: true }), member: id },
    { requiredKeys: ['outcome', 'score'] },
  );

  test.prop([place])('is read as it was', (given) => {
    // Zero has no sign in a sorted set's range.
    expect(parsePlace(formatPlace(given))).toEqual({ ...given, score: given.score + 0 });
  });

  test.prop([fc.string()])('is no other text', (text) => {
    const parsed = parsePlace(text);
    expect(parsed && formatPlace(parsed)).toBe(parsed && text);
  });
});
