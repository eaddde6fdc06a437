import { describe, expect, test } from 'vitest';
import { repetitions } from '../effort.ts';
import { accepted, BOUND, expectAllSettled, outcome, SOME, stackWithBacklog } from './backlog.ts';

describe('a run survives that it', () => {
  test('is stopped for longer than its lease, and continues next to the run that took over', async () => {
    const stack = await stackWithBacklog();
    const zombie = outcome(stack.forward.invoke());
    await accepted(stack, SOME);
    stack.forward.kill('SIGSTOP');
    await stack.expireLease();
    expect(await stack.start('forward').invoke()).toMatchObject({ caughtUp: true });
    stack.forward.kill('SIGCONT');

    expect(await zombie).toMatchObject({ caughtUp: false });
    await expectAllSettled(stack, 2 * BOUND);
  });

  test('runs twice at the same time', async () => {
    const stack = await stackWithBacklog();
    const first = outcome(stack.forward.invoke());
    await accepted(stack, SOME);
    await stack.expireLease();
    const second = outcome(stack.start('forward').invoke());

    expect([await first, await second]).toContainEqual(expect.objectContaining({ caughtUp: true }));
    await expectAllSettled(stack, 2 * BOUND);
  });

  test.each(Array.from({ length: repetitions(5, 2) }, (_, n) => n + 1))('is killed (turn %i)', async (turn) => {
    const stack = await stackWithBacklog();
    const killed = outcome(stack.forward.invoke());
    await accepted(stack, (SOME * turn) / 2);
    stack.forward.kill();

    expect(await killed).toBe('Runtime.ExitError');
    await expectAllSettled(stack, BOUND);
  });
});
