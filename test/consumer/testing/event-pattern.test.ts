import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { compilePattern } from '../../../consumer/testing/event-pattern.ts';
import { InvalidPatternError } from '../../../consumer/testing/value-matchers.ts';
import fixture from '../../fixtures/event-patterns.json' with { type: 'json' };

/** A value that no event has. */
const OTHER = 'other';

type Answer = 'match' | 'no match' | 'refused';

function answer(pattern: unknown, event: object): Answer {
  try {
    return compilePattern(pattern)(event) ? 'match' : 'no match';
  } catch (error) {
    if (error instanceof InvalidPatternError) return 'refused';
    throw error;
  }
}

const cases = fixture.groups.flatMap(({ event, cases }) => cases.map((each) => ({ ...each, event })));

describe('an event pattern gets the answer of AWS’s engine', () => {
  test.each(cases)('$name: $answer', ({ pattern, event, answer: expected }) => {
    expect(answer(pattern, event)).toBe(expected);
  });
});

describe('an event pattern gets another answer than from AWS’s engine', () => {
  test('for branches of $or that overlap: each matches independently', () => {
    const pattern = { $or: [{ queue: ['payments'] }, { queue: ['payments', 'refunds'] }] };

    expect(answer(pattern, { queue: 'refunds' })).toBe('match');
  });

  test('for values of a list that overlap: each matches independently', () => {
    const pattern = { queue: [{ wildcard: '*ments' }, { 'equals-ignore-case': 'Refunds' }] };

    expect(answer(pattern, { queue: 'orders' })).toBe('no match');
  });

  test('for a field with the name $or, which cannot exist', () => {
    expect(answer({ $or: ['x'] }, { $or: 'x' })).toBe('refused');
    expect(answer({ $or: { queue: ['x'] } }, { $or: { queue: 'x' } })).toBe('refused');
  });
});

describe('an event pattern that is refused', () => {
  const message = (pattern: unknown): string => {
    try {
      compilePattern(pattern);
      return 'not refused';
    } catch (error) {
      return String(error);
    }
  };

  test('causes an error with the place, the given value and the allowed values', () => {
    expect([
      message('{"source":["bullmq"]}'),
      message({ detail: { queue: 'payments' } }),
      message({ detail: { queue: [] } }),
      message({ detail: { queue: ['refunds', ['payments']] } }),
      message({ detail: { queue: [{ contains: 'pay' }] } }),
      message({ detail: { delay: [Number.NaN] } }),
    ]).toMatchInlineSnapshot(`
      [
        "InvalidPatternError: the event pattern is "{\\"source\\":[\\"bullmq\\"]}"; it must be an object with fields, and lists of values in the innermost",
        "InvalidPatternError: detail.queue is "payments"; it must be a list of values and operators, or an object with fields",
        "InvalidPatternError: detail.queue is []; it must be a list with at least one value or operator",
        "InvalidPatternError: detail.queue[1] is ["payments"]; it must be a text, a number, true, false, null or an operator as {"prefix":"x"}",
        "InvalidPatternError: detail.queue[0] is {"contains":"pay"}; it must be an object with exactly one of these keys: prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, cidr, exists, exactly",
        "InvalidPatternError: detail.delay[0] is NaN; it must be a text, a number, true, false, null or an operator as {"prefix":"x"}",
      ]
    `);
  });

  test('causes an error inside $or', () => {
    expect([
      message({ detail: { $or: [{ queue: ['payments'] }] } }),
      message({ detail: { $or: [{ queue: ['payments'] }, { job: { id: '7' } }] } }),
      message({ $or: [{ source: ['bullmq'] }, { detail: { prefix: ['bull'] } }] }),
    ]).toMatchInlineSnapshot(`
      [
        "InvalidPatternError: detail.$or is [{"queue":["payments"]}]; it must be a list of two or more objects with fields",
        "InvalidPatternError: detail.$or[1].job.id is "7"; it must be a list of values and operators, or an object with fields",
        "InvalidPatternError: $or[1].detail is {"prefix":["bull"]}; it must be an object with fields that have other names than "prefix", which is reserved inside of $or",
      ]
    `);
  });

  test('causes an error inside operators', () => {
    expect([
      message({ detail: { queue: [{ prefix: 7 }] } }),
      message({ detail: { queue: [{ suffix: { 'equals-ignore-case': ['ments'] } }] } }),
      message({ detail: { queue: [{ wildcard: 'pay**' }] } }),
      message({ detail: { queue: [{ exists: 'true' }] } }),
      message({ detail: { queue: [{ 'anything-but': ['payments', 7] }] } }),
      message({ detail: { queue: [{ 'anything-but': { suffix: '' } }] } }),
      message({ detail: { delay: [{ numeric: ['<', 9, '>', 1] }] } }),
      message({ detail: { address: [{ cidr: '10.0.0.5/32' }] } }),
    ]).toMatchInlineSnapshot(`
      [
        "InvalidPatternError: detail.queue[0].prefix is 7; it must be a text or {"equals-ignore-case":"text"}",
        "InvalidPatternError: detail.queue[0].suffix.equals-ignore-case is ["ments"]; it must be a text",
        "InvalidPatternError: detail.queue[0].wildcard is "pay**"; it must be a text without ** and with no backslash but in \\* (an asterisk) and \\\\ (a backslash)",
        "InvalidPatternError: detail.queue[0].exists is "true"; it must be true or false",
        "InvalidPatternError: detail.queue[0].anything-but is ["payments",7]; it must be a text, a number, a list of only texts or only numbers, or an object as {"prefix":"x"}",
        "InvalidPatternError: detail.queue[0].anything-but.suffix is ""; it must be a text or a list of texts, none of them empty",
        "InvalidPatternError: detail.delay[0].numeric is ["<",9,">",1]; it must be a comparison as ["=",7] or [">",7], or a range that is not empty as [">=",7,"<",8]",
        "InvalidPatternError: detail.address[0].cidr is "10.0.0.5/32"; it must be a network as 10.0.0.0/8 (up to /31) or 2001:db8::/32 (up to /127)",
      ]
    `);
  });
});

describe('the exact values of an event', () => {
  const plain = fc.oneof(
    fc.string().filter((text) => text !== OTHER),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  );
  const { event } = fc.letrec<{ event: Record<string, unknown> }>((tie) => ({
    event: fc.dictionary(
      fc.constantFrom('queue', 'job', 'data', 'prefix', 'constructor', 'ß'),
      fc.oneof({ depthSize: 'small' }, plain, fc.array(plain, { minLength: 1 }), tie('event')),
      { minKeys: 1 },
    ),
  }));

  test.prop([event, fc.nat()])('match it as a pattern, unless one of them is changed', (event, nth) => {
    const { pattern, count } = exactValues(event);
    const changed = exactValues(event, nth % count);

    expect(answer(pattern, event)).toBe('match');
    expect(answer(changed.pattern, event)).toBe('no match');
  });
});

/** A pattern of the values of an event, the last of each array; at one place there is another value instead. */
function exactValues(event: object, changed?: number) {
  let count = 0;
  const patternOf = (value: unknown): unknown => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, patternOf(inner)]));
    }
    if (count++ === changed) return [OTHER];
    return [Array.isArray(value) ? value.at(-1) : value];
  };
  return { pattern: patternOf(event), count };
}
