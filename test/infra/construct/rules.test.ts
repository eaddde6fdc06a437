import type { Stack } from 'aws-cdk-lib';
import { Token } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test } from 'vitest';
import { CATALOGUE } from '../../../functions/event/catalogue.ts';
import type { BullbridgeProps } from '../../../infra/construct/bullbridge.ts';
import type { OnEventOptions } from '../../../infra/construct/rules.ts';
import { createStack, only, permissionsOf } from '../synth.ts';

const targetIn = (stack: Stack) => new SqsQueue(new Queue(stack, 'Target'));

/** The pattern of the rule that `onEvent` makes. */
function patternOf(options: Omit<OnEventOptions, 'target'>, props?: Partial<BullbridgeProps>): unknown {
  const { stack, bullbridge } = createStack(props);
  bullbridge.onEvent('Rule', { ...options, target: targetIn(stack) });
  return only(Template.fromStack(stack), 'AWS::Events::Rule').Properties['EventPattern'];
}

const origin = { sourceName: ['default'], prefix: ['bull'] };

describe('a rule for events', () => {
  test('sends the events of a queue and of a name to the target, from the bus of the construct', () => {
    const { stack, bullbridge } = createStack();
    bullbridge.onEvent('FailedPayments', { queue: 'payments', event: 'failed', target: targetIn(stack) });
    const template = Template.fromStack(stack);
    expect(only(template, 'AWS::Events::Rule').Properties).toMatchObject({
      EventBusName: { Ref: only(template, 'AWS::Events::EventBus').id },
      EventPattern: {
        source: ['bullmq'],
        'detail-type': ['Job Failed'],
        detail: { ...origin, queue: ['payments'] },
      },
      Targets: [{ Arn: { 'Fn::GetAtt': [only(template, 'AWS::SQS::Queue', 'Target').id, 'Arn'] } }],
    });
  });

  test('matches all forwarded events by default', () => {
    expect(patternOf({})).toEqual({ source: ['bullmq'], detail: origin });
  });

  test('has the detail-type of each event of BullMQ, and of custom events', () => {
    const names = Object.keys(CATALOGUE);
    const types = Object.values(CATALOGUE).map(({ detailType }) => detailType);
    expect(patternOf({ event: [...names, 'invoice-sent'] }, { events: ['*'] })).toMatchObject({
      'detail-type': [...types, 'invoice-sent'],
    });
  });

  test('matches this Redis only, not others on the same bus', () => {
    expect(
      patternOf({ queue: ['a', 'b'] }, { prefix: 'jobs', sourceName: 'redis-1', queues: ['a', 'b', 'c'] }),
    ).toEqual({
      source: ['bullmq'],
      detail: { sourceName: ['redis-1'], prefix: ['jobs'], queue: ['a', 'b'] },
    });
  });

  test('accepts names that are known only at deployment', () => {
    const queue = Token.asString({ Ref: 'Queue' });
    expect(patternOf({ queue }, { queues: ['a'] })).toMatchObject({ detail: { queue: [{ Ref: 'Queue' }] } });
    expect(patternOf({ queue: 'b' }, { queues: ['a', queue] })).toMatchObject({ detail: { queue: ['b'] } });
  });

  test('matches other fields of the detail if configured', () => {
    const detail = { job: { name: ['charge', { prefix: 'refund-' }] } };
    expect(patternOf({ queue: 'payments', detail })).toMatchObject({
      detail: { ...origin, queue: ['payments'], ...detail },
    });
    expect(() => patternOf({ detail: { queue: ['payments'] } })).toThrowErrorMatchingInlineSnapshot(
      `[Error: detail must not have queue, which the rule sets itself, got ["payments"]]`,
    );
    expect(() => patternOf({ detail: { sourceName: ['x'] } })).toThrow('detail must not have sourceName');
  });

  test('may have any id, even an id that the construct uses', () => {
    const { stack, bullbridge } = createStack();
    const target = targetIn(stack);
    for (const id of ['Forward', 'EventBus', 'Alarms', 'Resource']) bullbridge.onEvent(id, { target });
    Template.fromStack(stack).resourceCountIs('AWS::Events::Rule', 4);
  });

  test('that would never match is refused', () => {
    expect(() => patternOf({ event: 'progress' })).toThrowErrorMatchingInlineSnapshot(
      `[Error: event must be one of the events that are forwarded (completed, failed, stalled), got "progress"]`,
    );
    expect(() => patternOf({ queue: 'payment' }, { queues: ['payments'] })).toThrowErrorMatchingInlineSnapshot(
      `[Error: queue must be one of the queues that are forwarded (payments), got "payment"]`,
    );
    expect(() => patternOf({ event: [] })).toThrowErrorMatchingInlineSnapshot(
      `[Error: event must be a name or a list of names; leave it out for all, got []]`,
    );
  });
});

test('a rule for losses matches Events Lost of this Redis', () => {
  const { stack, bullbridge } = createStack();
  bullbridge.onLoss('Lost', { queue: 'payments', target: targetIn(stack) });
  expect(only(Template.fromStack(stack), 'AWS::Events::Rule').Properties['EventPattern']).toEqual({
    source: ['bullbridge'],
    'detail-type': ['Events Lost'],
    detail: { ...origin, queue: ['payments'] },
  });
});

test('grants allow only the actions of a consumer and an operator', () => {
  const { stack, bullbridge } = createStack((scope) => ({ encryptionKey: new Key(scope, 'Key') }));
  const role = new Role(stack, 'Consumer', { assumedBy: new AccountRootPrincipal() });
  bullbridge.grantReadPayloads(role);
  bullbridge.grantReconcile(role);
  bullbridge.grantRedrive(role);
  const template = Template.fromStack(stack);
  expect(permissionsOf(template, 'Consumer').map(([actions]) => actions)).toEqual([
    's3:GetObject',
    'kms:Decrypt',
    'lambda:InvokeFunction',
  ]);
});
