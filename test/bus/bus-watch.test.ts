import { describe, expect, test } from 'vitest';
import { watchBus } from '../../functions/bus/bus-watch.ts';

/** A watch whose answers and whose clock a test sets. */
function world(...answers: (() => Promise<string | undefined>)[]) {
  let time = 1_000_000;
  let asked = 0;
  const warnings: string[] = [];
  const check = () => (answers[Math.min(asked++, answers.length - 1)] as () => Promise<string | undefined>)();
  const watch = watchBus(
    check,
    () => new Date(time),
    (message) => warnings.push(message),
  );
  const pass = (milliseconds: number) => {
    time += milliseconds;
  };
  return { watch, warnings, asked: () => asked, pass };
}

const exists = async () => undefined;

describe('the bus of a run', () => {
  test('is checked at once, and again only after a minute', async () => {
    const { watch, asked, pass } = world(exists);
    expect(asked()).toBe(1);

    for (let n = 0; n < 5; n += 1) await watch.confirm();
    pass(59_999);
    await watch.confirm();
    expect(asked()).toBe(1);

    pass(1);
    await watch.confirm();
    expect(asked()).toBe(2);
  });

  test('that was deleted is noticed within a minute', async () => {
    const { watch, pass } = world(exists, () => Promise.reject(new Error('deleted')));
    await watch.confirm();
    pass(60_000);

    await expect(watch.confirm()).rejects.toThrow('deleted');
    await expect(watch.confirm()).rejects.toThrow('deleted');
  });

  test('is awaited', async () => {
    const answer = Promise.withResolvers<undefined>();
    const { watch } = world(() => answer.promise);
    let confirmed = false;
    const confirming = watch.confirm().then(() => {
      confirmed = true;
    });
    await Promise.resolve();
    expect(confirmed).toBe(false);

    answer.resolve(undefined);
    await confirming;
  });

  test('that may not be checked causes one warning for each answer', async () => {
    const { watch, warnings } = world(async () => 'may not ask');
    await watch.confirm();
    await watch.confirm();

    expect(warnings).toEqual(['may not ask']);
  });
});
