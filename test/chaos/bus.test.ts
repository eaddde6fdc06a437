import { describe, expect, test } from 'vitest';
import type { Fault, FaultPlan } from '../../local/bus/faults.ts';
import { DEAD_LETTERS } from '../../local/stack.ts';
import { repetitions } from '../effort.ts';
import { BOUND, ENTRIES, expectAllSettled, outcome, SHORT_RUN, stackWithBacklog } from './backlog.ts';

type Plan = FaultPlan<{ readonly entries: readonly unknown[] }, Fault>;

describe('a run survives that the bus', () => {
  const each =
    (nth: number, fault: Fault): Plan =>
    ({ number }) =>
      number % nth === 0 ? fault : undefined;

  test.each<[string, number, Plan]>([
    [
      'answers 413',
      0,
      ({ entries }) => (entries.length > 3 ? { kind: 'error', status: 413, code: 'TooLarge' } : undefined),
    ],
    ['fails with 500', 0, each(5, { kind: 'error', status: 500, code: 'InternalException' })],
    ['throttles', 0, each(3, { kind: 'error', status: 400, code: 'ThrottlingException' })],
    ['fails some entries', 0, each(2, { kind: 'entries', codes: { 3: 'InternalFailure', 7: 'ThrottlingException' } })],
    ['breaks the connection', 0, each(7, { kind: 'reset' })],
    ['breaks the connection after it accepted', ENTRIES / 5, each(7, { kind: 'reset-after-accept' })],
    ['answers too short', ENTRIES / 7, each(2, { kind: 'short' })],
    ['answers something else', 0, each(9, { kind: 'garbage' })],
    ['hangs', 0, each(repetitions(150, 60), { kind: 'hang' })],
  ])('%s', async (_, allowedDuplicates, plan) => {
    const stack = await stackWithBacklog();
    stack.bus.faults.putEvents = plan;

    expect(await stack.forward.invoke()).toMatchObject({ published: ENTRIES, parked: 0, lost: 0, caughtUp: true });
    await expectAllSettled(stack, allowedDuplicates);
  });

  test('denies everything, is down or is unreachable from some request on, until the run must end', async () => {
    const faults: readonly Fault[] = [
      { kind: 'error', status: 400, code: 'AccessDeniedException' },
      { kind: 'error', status: 503, code: 'ServiceUnavailable' },
      { kind: 'reset' },
    ];
    const stacks = await Promise.all(faults.map(() => stackWithBacklog()));
    const outcomes = stacks.map((stack, i) => {
      stack.bus.faults.putEvents = ({ number }) => (number > repetitions(100, 30) ? faults[i] : undefined);
      return outcome(stack.start('forward', {}, SHORT_RUN).invoke());
    });

    expect(await Promise.all(outcomes)).toEqual(faults.map(() => 'BusError'));
    for (const stack of stacks) await expectAllSettled(stack, BOUND);
  });

  test('refuses entries while SQS is down', async () => {
    const stack = await stackWithBacklog();
    stack.bus.faults.putEvents = each(4, { kind: 'entries', codes: { 5: 'MalformedDetail' } });
    stack.bus.faults.sendMessage = ({ number }) =>
      number > 6 ? { kind: 'error', status: 503, code: 'ServiceUnavailable' } : undefined;

    expect(await outcome(stack.forward.invoke())).toBe('ParkingError');
    expect(stack.bus.messages(DEAD_LETTERS)).toHaveLength(6);
    await expectAllSettled(stack, BOUND);
  });
});
