import type { Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { beforeAll, expect, test } from 'vitest';
import { synthesize } from '../synth.ts';

let template: Template;

beforeAll(() => {
  template = synthesize();
});

test('resources with data keep their logical ids: with another id, a deployment would create an empty resource and leave the old one behind', () => {
  const types = [
    'AWS::DynamoDB::GlobalTable', // Positions: each stream would be read from its beginning again.
    'AWS::SQS::Queue', // Parked events: redrive would no longer find them.
    'AWS::S3::Bucket', // Payloads: those of new events would be where no consumer may read.
    'AWS::Events::EventBus', // The rules of consumers: they would match nothing more.
    'AWS::Logs::LogGroup', // Logs, and the metric filters and subscriptions on them.
  ];
  const idsOf = (from: Template) => types.map((type) => Object.keys(from.findResources(type)));
  expect(idsOf(template)).toMatchInlineSnapshot(`
    [
      [
        "BullbridgeCheckpoints188C9656",
      ],
      [
        "BullbridgeDeadLetterQueueBE5CF1A8",
      ],
      [
        "BullbridgePayloads0F29A008",
      ],
      [
        "BullbridgeEventBus01FAD6E2",
      ],
      [
        "BullbridgeForwardLogs4269B6A7",
        "BullbridgeReconcileLogs5CF3BBD1",
        "BullbridgeRedriveLogsAF8C059D",
      ],
    ]
  `);
  const everything = synthesize((stack) => ({
    encryptionKey: new Key(stack, 'Key'),
    vpc: new Vpc(stack, 'Vpc'),
    shards: 3,
    tracing: true,
  }));
  // With a key, there is one more queue, of what the bus could not encrypt.
  const kept = idsOf(everything).flat();
  expect(kept).toEqual(expect.arrayContaining(idsOf(template).flat()));
  expect(kept).toContain('BullbridgeBusDeadLetters2F92968E');
  expect(kept).toHaveLength(idsOf(template).flat().length + 1);
});

test('schedules and functions keep the ids that alarms and operators use', () => {
  const types = ['AWS::Scheduler::Schedule', 'AWS::Lambda::Function'];
  expect(types.map((type) => Object.keys(template.findResources(type)))).toMatchInlineSnapshot(`
    [
      [
        "BullbridgeForwardScheduleD954677E",
        "BullbridgeReconcileScheduleC49EE5DA",
      ],
      [
        "BullbridgeForwardFunctionFF0359F1",
        "BullbridgeReconcileFunctionEF9B1FB7",
        "BullbridgeRedriveFunctionBCFDFC5F",
      ],
    ]
  `);
});
