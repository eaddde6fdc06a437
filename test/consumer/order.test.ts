import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { compareEvents } from '../../consumer/index.ts';
import { anEvent } from '../../consumer/testing/events.ts';

const entry = (streamId: string) => ({ streamId, timestamp: Number(streamId.split('-')[0]) });
const recovered = (timestamp: number) => anEvent('completed', { recovered: true, timestamp }).detail;

describe('events are put in order', () => {
  test('by their stream ids, as numbers, and not by their sequence', () => {
    const ids = ['999-9', '1000-2', '1000-10', '1795398834833-0', '18446744073709551614-1', '18446744073709551615-0'];
    const details = ids.map((id, i) => ({ ...entry(id), sequence: ids.length - i }));

    expect(details.toReversed().sort(compareEvents)).toEqual(details);
  });

  test('by their time if one was recovered, which comes after the entries of its millisecond', () => {
    const details = [entry('5-0'), entry('5-7'), recovered(5), entry('6-0'), recovered(7), entry('9-0')];

    expect(details.toReversed().sort(compareEvents)).toEqual(details);
  });

  const placed = fc
    .tuple(fc.nat(3), fc.option(fc.nat(12), { nil: undefined }))
    .map(([timestamp, n]) => ({ timestamp, ...(n !== undefined && { streamId: `${timestamp}-${n}` }) }));

  test.prop([placed, placed, placed])('consistently', (a, b, c) => {
    expect(Math.sign(compareEvents(a, b))).toBe(0 - Math.sign(compareEvents(b, a)));
    if (compareEvents(a, b) <= 0 && compareEvents(b, c) <= 0) expect(compareEvents(a, c)).toBeLessThanOrEqual(0);
  });
});
