import { expect, test } from 'vitest';
import { localClient } from '../../local/dynamodb.ts';
import { setFormat } from '../dynamodb.ts';
import { gapStack } from '../reconcile/gaps.ts';
import { rejection } from '../rejection.ts';

const NEWER = {
  name: 'CheckpointError',
  message: expect.stringMatching(/^A newer bullbridge wrote the checkpoint table .* upgrade this one\.$/),
};

/** A stack whose rows can be made those of a newer version. */
async function world() {
  const stack = await gapStack({ BULLBRIDGE_START_FROM: 'beginning,other=now' });
  const client = localClient(stack.tableUrl);
  const upgrade = (pk: string, sk: string) =>
    setFormat({ client, table: stack.table }, `default/${stack.prefix}${pk}`, sk, 2);
  const write = () =>
    stack.admin.xadd(`${stack.prefix}:emails:events`, '*', 'event', 'completed', 'jobId', '1', 'returnvalue', '1');
  await stack.admin.hset(`${stack.prefix}:emails:meta`, 'opts.maxLenEvents', 10_000);
  return { ...stack, upgrade, write, [Symbol.dispose]: () => client.destroy() };
}

test.for([
  [':emails', 'position'],
  ['', 'start'],
] as const)(
  'the forward function stops at a row of a newer version (%s %s), publishes nothing and moves no position',
  async ([pk, sk]) => {
    using stack = await world();
    await stack.write();
    await stack.forward.invoke({});
    await stack.upgrade(pk, sk);
    await stack.write();
    // What the first container remembers is not used either: the newer version had the lease meanwhile.
    const { invoke } = stack.start('forward');

    expect(await rejection(invoke({}))).toMatchObject(NEWER);
    expect(await rejection(invoke({}))).toMatchObject(NEWER);
    expect(stack.bus.accepted).toHaveLength(1);
  },
);

test('the recovery stops at a gap of a newer version, publishes nothing and closes nothing', async () => {
  using stack = await world();
  await stack.open();
  await stack.finish('completed', [{ id: '1' }]);
  const [gap] = await stack.openGaps();
  await stack.upgrade('/gaps', `q/${gap?.afterId}`);

  expect(await rejection(stack.reconcile.invoke({}))).toMatchObject(NEWER);
  expect(stack.bus.accepted).toEqual([]);
});
