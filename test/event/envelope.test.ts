import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type AnyEntry, isLarge, toText } from '../../functions/event/bus-entry.ts';
import { CATALOGUE } from '../../functions/event/catalogue.ts';
import { busEntriesOf, lossEntry } from '../../functions/event/envelope.ts';
import { anyCharacter } from '../any-character.ts';

const origin = { sourceName: 'default', prefix: 'bull', queue: 'emails' };
const entry = (id: string, ...texts: string[]) => ({ id, fields: texts.map((text) => Buffer.from(text)) });
const detail = (made: AnyEntry) => JSON.parse(isLarge(made) ? toText(made).Detail : made.Detail);

describe('a bus entry', () => {
  test('follows the contract', () => {
    const made = busEntriesOf(origin)(
      entry('1795398834833-0', 'event', 'completed', 'jobId', '1', 'returnvalue', '{"ok":true}', 'prev', 'active'),
      4711,
    );

    expect({ ...made, Detail: detail(made) }).toEqual({
      Source: 'bullmq',
      DetailType: 'Job Completed',
      Time: new Date(1_795_398_834_833),
      Detail: {
        version: '1',
        id: 'default/bull:emails/1795398834833-0',
        sourceName: 'default',
        prefix: 'bull',
        queue: 'emails',
        event: 'completed',
        streamId: '1795398834833-0',
        sequence: 4711,
        timestamp: 1_795_398_834_833,
        jobId: '1',
        returnvalue: { ok: true },
        prev: 'active',
      },
    });
  });

  const name = fc.string({ unit: anyCharacter });
  const half = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

  test.prop([
    fc.record({ sourceName: name, prefix: name, queue: name }),
    half,
    half,
    fc.option(fc.maxSafeNat(), { nil: undefined }),
  ])('has the fields that identify it, whatever the names, in this order', (names, milliseconds, count, sequence) => {
    const streamId = `${milliseconds}-${count}`;
    const made = busEntriesOf(names)(entry(streamId, 'event', 'drained', 'x', 'y'), sequence);

    const { sourceName, prefix, queue } = names;
    const id = `${sourceName}/${prefix}:${queue}/${streamId}`;
    const timestamp = Number(milliseconds);
    const expected = {
      version: '1',
      id,
      ...names,
      streamId,
      sequence,
      timestamp,
      event: 'drained',
      fields: { x: 'y' },
    };
    expect(made.Detail).toBe(JSON.stringify(expected));
  });

  test('has no sequence if the server does not count', () => {
    expect(detail(busEntriesOf(origin)(entry('1-0', 'event', 'drained'), undefined))).not.toHaveProperty('sequence');
  });

  test.each(Object.entries(CATALOGUE))('of %s has its detail-type', (event, { detailType }) => {
    expect(busEntriesOf(origin)(entry('1-0', 'event', event), 1).DetailType).toBe(detailType);
  });

  test('of a custom event has its own name, which is cut only in the detail-type', () => {
    const name = `${'x'.repeat(127)}😀 and more`;

    const made = busEntriesOf(origin)(entry('1-0', 'event', name), 1);

    expect(made.DetailType).toBe('x'.repeat(127));
    expect(detail(made).event).toBe(name);
  });

  test('without a name is an Unknown Entry', () => {
    const made = busEntriesOf(origin)(entry('1-0', 'jobId', '7', 'x', 'y'), 1);

    expect(made.DetailType).toBe('Unknown Entry');
    expect(detail(made)).toMatchObject({ jobId: '7', fields: { x: 'y' } });
    expect(detail(made)).not.toHaveProperty('event');
  });

  test('with an id beyond any valid date has no time', () => {
    expect(busEntriesOf(origin)(entry('18446744073709551615-0', 'event', 'drained'), 1)).toHaveProperty(
      'Time',
      undefined,
    );
  });

  test('has half a surrogate pair as JSON writes it', () => {
    expect(busEntriesOf(origin)(entry('1-0', 'event', 'completed', 'returnvalue', '"\\ud800"'), 1).Detail).toContain(
      '"\\ud800"',
    );
  });
});

test('Events Lost follows the contract, and its id has both ends of the gap', () => {
  const loss = { reason: 'trimmed', lost: 7, exact: true, afterId: '5-0', beforeId: '9-0' } as const;

  const made = lossEntry(origin, loss, new Date('2026-11-01T12:00:00Z'));

  expect({ ...made, Detail: detail(made) }).toEqual({
    Source: 'bullbridge',
    DetailType: 'Events Lost',
    Time: new Date('2026-11-01T12:00:00Z'),
    Detail: {
      id: 'default/bull:emails/5-0/lost/trimmed/9-0',
      ...origin,
      lost: 7,
      exact: true,
      reason: 'trimmed',
      afterId: '5-0',
      beforeId: '9-0',
      detectedAt: '2026-11-01T12:00:00.000Z',
    },
  });
});
