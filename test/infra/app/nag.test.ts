import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { start } from '../../../local/process.ts';

/** The rules of NIST 800-53 and of the Serverless pack that do not fit, each with the reason. */
const ACKNOWLEDGED: Readonly<Record<string, string>> = {
  'NIST.800.53.R5-IAMNoInlinePolicy': 'Each policy is of one role only, and is deleted with it.',
  'NIST.800.53.R5-LambdaDLQ': 'A run that failed leaves nothing behind: the next one continues from its positions.',
  'NIST.800.53.R5-LambdaConcurrency': 'Only the forwarder must never wait; recovery and redrive may.',
  'NIST.800.53.R5-S3BucketLoggingEnabled': 'Who reads a payload is for the consumers to log, in a bucket of theirs.',
  'NIST.800.53.R5-S3BucketReplicationEnabled': 'Payloads are kept for some days, and their events are of one region.',
  'NIST.800.53.R5-S3BucketVersioningEnabled': 'An object is written again with the same content only.',
  'Serverless-SQSRedrivePolicy': 'These are dead-letter queues.',
  'Serverless-LambdaDLQ': 'As NIST.800.53.R5-LambdaDLQ.',
  'Serverless-LambdaAsyncFailureDestination': 'As NIST.800.53.R5-LambdaDLQ; alarms tell of failures.',
};

/** What costs something, or needs what only the user has, so that it is a prop: with the prop the rule is met. */
const BY_PROPS: Readonly<Record<string, string>> = {
  'NIST.800.53.R5-CloudWatchAlarmAction': 'alarmAction',
  'NIST.800.53.R5-CloudWatchLogGroupEncrypted': 'encryptionKey',
  'NIST.800.53.R5-S3DefaultEncryptionKMS': 'encryptionKey',
  'NIST.800.53.R5-LambdaInsideVPC': 'vpc, redriveInVpc',
  'Serverless-LambdaTracing': 'tracing',
};

test('cdk-nag finds only acknowledged findings, each with a reason; AWS Solutions finds nothing', async () => {
  const script = fileURLToPath(new URL('nag-packs.ts', import.meta.url));
  const { CDK_VALIDATION, ...env } = process.env;
  const child = start(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const printed = await text(child.stdout as NodeJS.ReadableStream);

  const found = JSON.parse(printed.trim().split('\n').at(-1) ?? '');
  const sorted = (...rules: Readonly<Record<string, string>>[]) => rules.flatMap(Object.keys).sort();
  expect(found.Strict.sort()).toEqual(sorted(ACKNOWLEDGED));
  expect(found.Defaults.sort()).toEqual(sorted(ACKNOWLEDGED, BY_PROPS));
});
