import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import type { Fault, FaultPlan } from '../../../local/bus/faults.ts';
import { DEAD_LETTERS } from '../../../local/stack.ts';
import { clientsOf } from '../../local/bus/clients.ts';
import { type GapStack, gapStack } from '../../reconcile/gaps.ts';
import { permissionsOf, synthesize } from '../synth.ts';
import { startRecorder } from './recorder.ts';

/** More than EventBridge takes. */
const LARGE = JSON.stringify('x'.repeat(1_100_000));
const REFUSED = 'nobody wants this';

let template: Template;

beforeAll(() => {
  template = synthesize();
});

/** What the role of a function allows, but for its logs, which Lambda writes for it. */
function allowed(role: string): string[] {
  const actions = permissionsOf(template, role).flatMap(([action]) => action as string | string[]);
  return actions.filter((action) => !action.startsWith('logs:')).sort();
}

/** Local services, and a function whose calls are recorded. */
async function world(name: 'forward' | 'reconcile' | 'redrive') {
  const stack = await gapStack({}, { redis: inject('redisUrl') });
  const recorder = await startRecorder({ bus: stack.bus.url, dynamodb: stack.tableUrl });
  const services = ['EVENTBRIDGE', 'SQS', 'S3', 'SECRETS_MANAGER', 'DYNAMODB'];
  const started = stack.start(name, {
    ...Object.fromEntries(services.map((service) => [`AWS_ENDPOINT_URL_${service}`, recorder.url])),
    DEAD_LETTER_QUEUE_URL: stack.bus.queueUrl(DEAD_LETTERS).replace(stack.bus.url, recorder.url),
    REDIS_URL: '',
    REDIS_URL_SECRET_ARN: 'redis',
  });
  stack.bus.faults.putEvents = refuse;
  return { stack, started, actions: recorder.actions };
}

/** The bus refuses what nobody wants. */
const refuse: FaultPlan<{ readonly entries: readonly { readonly Detail: string }[] }, Fault> = ({ entries }) => {
  const refused = [...entries.entries()].filter(([, { Detail }]) => Detail.includes(REFUSED));
  if (refused.length === 0) return undefined;
  return { kind: 'entries', codes: Object.fromEntries(refused.map(([index]) => [index, 'InvalidArgument'])) };
};

/** Entries of a queue; more than the stream keeps, where `trimmed`. */
async function write({ admin, prefix }: GapStack, returnvalues: readonly string[], trimmed = false): Promise<void> {
  const key = `${prefix}:emails`;
  const pipeline = admin.pipeline().hset(`${key}:meta`, 'opts.maxLenEvents', 10_000);
  for (const value of returnvalues) {
    pipeline.xadd(`${key}:events`, '*', 'event', 'completed', 'jobId', '1', 'returnvalue', value);
  }
  if (trimmed) pipeline.xtrim(`${key}:events`, 'MAXLEN', 1);
  await pipeline.exec();
}

test('the forward function calls each allowed action, and no other', async () => {
  const { stack, started, actions } = await world('forward');
  await write(stack, ['1', LARGE, JSON.stringify(REFUSED)]);
  await started.invoke({});
  await write(stack, ['2', '3'], true);
  expect(await started.invoke({})).toMatchObject({ lost: 1, published: 1 });
  expect(actions()).toEqual(allowed('BullbridgeForwardRole'));
});

test('the reconcile function calls each allowed action, and no other', async () => {
  const { stack, started, actions } = await world('reconcile');
  await stack.open();
  await stack.finish('completed', [{ id: 'large', result: LARGE }, { id: 'small' }]);
  await stack.finish('failed', [{ id: 'refused', result: REFUSED }]);
  expect(await started.invoke({})).toMatchObject({ gaps: 1 });
  expect(actions()).toEqual(allowed('BullbridgeReconcileRole'));
});

test('the redrive function calls each allowed action, and no other', async () => {
  const { stack, started, actions } = await world('redrive');
  const { sqs, destroy } = clientsOf(stack.bus.url);
  onTestFinished(destroy);
  const values = [JSON.stringify(REFUSED), JSON.stringify('x'.repeat(1_010_000)), '1'];
  for (const [n, returnvalue] of values.entries()) {
    const Detail = `{"id":"default/bull:q/${n}","queue":"emails","returnvalue":${returnvalue}}`;
    const entry = { Source: 'bullmq', DetailType: 'Job Completed', Detail, EventBusName: 'bullbridge' };
    const parked = { entry, errorCode: n === 2 ? 'Other' : 'MalformedDetail', errorMessage: '', attempts: 1 };
    const MessageBody = JSON.stringify({ ...parked, parkedAt: '2026-11-01T12:00:00.000Z' });
    await sqs.send(new SendMessageCommand({ QueueUrl: stack.bus.queueUrl(DEAD_LETTERS), MessageBody }));
  }
  expect(await started.invoke({ errorCode: 'MalformedDetail' })).toMatchObject({ redriven: 1, failed: 1 });
  // How many are left is asked for only where not all were looked at.
  await started.invoke({ max: 1 });
  expect(actions()).toEqual(allowed('BullbridgeRedriveRole'));
});
