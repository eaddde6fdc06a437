import { describe, expect, test } from 'vitest';
import { type PatternOptions, pattern } from '../../consumer/index.ts';
import { aLoss, anEvent, matchesRule } from '../../consumer/testing/index.ts';

const job = { name: 'invoice', data: { country: 'DE', total: 120 } };
const EVENTS = {
  completed: anEvent('completed', { job }),
  failed: anEvent('failed'),
  payments: anEvent('failed', { queue: 'payments', prefix: 'p', sourceName: 's' }),
  custom: anEvent('refund'),
  loss: aLoss(),
  others: { ...anEvent('completed'), source: 'aws.s3' },
};

describe('the pattern of a rule', () => {
  test.each<[PatternOptions | undefined, string[]]>([
    [undefined, ['completed', 'failed', 'payments', 'custom', 'loss']],
    [{ queue: '*' }, ['completed', 'failed', 'payments', 'custom', 'loss']],
    [{ queue: 'emails' }, ['completed', 'failed', 'custom', 'loss']],
    [{ queue: ['emails', 'payments'], event: 'failed' }, ['failed', 'payments']],
    [{ event: ['refund', 'completed'] }, ['completed', 'custom']],
    [{ prefix: 'p' }, ['payments']],
    [{ sourceName: 's', prefix: undefined as never }, ['payments']],
    [{ job: { name: 'invoice' } }, ['completed']],
    [{ job: { name: ['invoice', 'refund'], data: { total: [{ numeric: ['>', 100] }] } } }, ['completed']],
    [{ job: { data: { country: 'AT' } } }, []],
  ])('with %j matches %j', (options, expected) => {
    const matching = Object.entries(EVENTS).filter(([, event]) => matchesRule(pattern(options), event));

    expect(matching.map(([name]) => name)).toEqual(expected);
  });

  test('that no event can match is refused by EventBridge', () => {
    expect(() => matchesRule(pattern({ queue: [] }), EVENTS.failed)).toThrow('detail.queue is []');
  });
});
