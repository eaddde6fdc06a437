import { describe, expect, test } from 'vitest';
import { idempotencyKey } from '../../consumer/index.ts';
import { anEvent } from '../../consumer/testing/events.ts';

const END = 1795398834833;

describe('the idempotency key', () => {
  test.each(['completed', 'failed'] as const)('of %s is the same from the stream and recovered', (event) => {
    const streamed = anEvent(event, { jobId: '7', streamId: `${END + 1}-0`, job: { finishedOn: END } }).detail;
    const recovered = anEvent(event, { jobId: '7', recovered: true, timestamp: END }).detail;
    const enriched = anEvent(event, { jobId: '7', recovered: true, timestamp: END, job: { finishedOn: END } }).detail;

    expect(idempotencyKey(streamed)).toBe(`default/bull:emails/7/${event}/${END}`);
    expect(idempotencyKey(recovered)).toBe(idempotencyKey(streamed));
    expect(idempotencyKey(enriched)).toBe(idempotencyKey(streamed));
  });

  test('is detail.id if the job has ended again meanwhile', () => {
    const job = { finishedOn: END };
    const first = anEvent('failed', { streamId: `${END - 1}-0`, job }).detail;
    const second = anEvent('failed', { streamId: `${END}-0`, job }).detail;

    expect(idempotencyKey(first)).toBe(first.id);
    expect(idempotencyKey(second)).toBe(`default/bull:emails/1/failed/${END}`);
  });

  test.each([
    ['an event without the end of its job', anEvent('completed').detail],
    ['a job that is gone', anEvent('completed', { job: null }).detail],
    ['a job without its end', anEvent('completed', { job: { name: 'send' } }).detail],
    ['an event that is no end', anEvent('deduplicated', { timestamp: END, job: { finishedOn: END } }).detail],
    ['an event after the end', anEvent('removed', { timestamp: END, job: { finishedOn: END } }).detail],
    ['an event without a job', anEvent('drained').detail],
    ['an entry without an event', { ...anEvent('completed').detail, event: '' }],
  ])('of %s is detail.id', (_, detail) => {
    expect(idempotencyKey(detail)).toBe(detail.id);
  });
});
