import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import { parkIn } from '../../functions/bus/dead-letters.ts';
import { clientsOf } from '../local/bus/clients.ts';
import { ENDPOINT, inventory, invoke, logsOf, outputsOf } from './aws.ts';
import { endingsOf, type Inbox, keyOf, openInbox, sorted } from './inbox.ts';
import { type Ending, type Jobs, startJobs } from './jobs.ts';
import { openShell, readSteps, type Shell } from './shell.ts';

// One stack, deployed once: each test goes on where the one before it stopped, in the order of the file.

/** Milliseconds until what a tick of the schedule does must have arrived: a minute to the tick, and as much again. */
const TICK = 120_000;
const QUEUES = ['emails', 'payments'];
const DEPLOY = 'npx cdk deploy --require-approval never -c removalPolicy=destroy';
const SUBSCRIBERS = `--app 'node test/localstack/subscribers.ts' -c bus="$BUS"`;

const steps = await readSteps('docs/localstack.md');
const guide = await readSteps('docs/deploy.md');
const runbook = await readSteps('docs/runbook.md');
const redisUrl = process.env['REDIS_URL'] ?? '';
const { sqs, destroy } = clientsOf(ENDPOINT);
const dynamodb = new DynamoDBClient({ endpoint: ENDPOINT });
const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
/** How each job ended, by the worker that ran it. */
const oracle: Ending[] = [];
const times: string[] = [];
let shell: Shell;
let before: string[];
let jobs: Jobs[];
let inbox: Inbox;
let stack: Readonly<Record<string, string>>;
let consumer: string;
let listener: string;
let cdkHome: string;
let isBroken = false;

beforeAll(async () => {
  // The CDK remembers there whose account an access key is.
  cdkHome = await mkdtemp(join(tmpdir(), 'bullbridge-cdk-'));
  shell = openShell({ CDK_HOME: cdkHome, CDK_DISABLE_CLI_TELEMETRY: 'true' });
  jobs = await Promise.all(QUEUES.map((queue) => startJobs(queue, redisUrl)));
});

afterAll(async () => {
  await Promise.all([...jobs, shell].map((one) => one[Symbol.asyncDispose]()));
  await rm(cdkHome, { recursive: true, force: true });
  redis.disconnect();
  dynamodb.destroy();
  destroy();
  console.log(`What each step took:\n${times.join('\n')}`);
});

let started = 0;
beforeEach(({ skip }) => {
  started = 0;
  skip(isBroken, 'a step before this one failed');
  onTestFailed(() => {
    isBroken = true;
  });
  started = Date.now();
});
afterEach(({ task }) => {
  if (started > 0) times.push(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${task.name}`);
});

async function runJobs(count: number): Promise<void> {
  const endings = await Promise.all(jobs.map((queue) => queue.run(count)));
  oracle.push(...endings.flat());
}

/** The runs of the forwarder, as it has logged them. */
async function runs() {
  return (await logsOf(stack['ForwardFunction'] ?? '')).filter(({ message }) => message === 'run');
}

/** The states of all schedules of the stack. */
async function schedules(): Promise<string[]> {
  const printed = await shell.type(
    `aws scheduler list-schedules --output text --query "Schedules[?starts_with(Name, 'Bullbridge-')].State"`,
  );
  return printed.trim().split(/\s+/).sort();
}

const newsOf = async (detailType: string) =>
  (await inbox.take()).filter((event) => event['detail-type'] === detailType).map(({ detail }) => detail);

const streamOf = (queue: string) => redis.xrange(`bull:${queue}:events`, '-', '+');

test('the steps of docs/localstack.md deploy the app and subscribe', async () => {
  before = await inventory();

  await shell.type(...steps('2.'));
  await shell.type(...steps('3.'));
  await shell.type(...steps('4.'));

  stack = await outputsOf('Bullbridge');
  expect(Object.keys(stack)).toEqual(expect.arrayContaining(['EventBusName', 'CheckpointTable', 'ForwardFunction']));
});

test("a consumer's own app adds rules to the bus, with a queue and a function behind them", async () => {
  await shell.type(`npx cdk deploy --require-approval never ${SUBSCRIBERS}`);

  const { QueueUrl = '', ConsumerFunction = '', ListenerFunction = '' } = await outputsOf('Subscribers');
  inbox = openInbox(sqs, QueueUrl);
  consumer = ConsumerFunction;
  listener = ListenerFunction;
  expect(await inbox.take()).toEqual([]);
});

test('the steps of docs/deploy.md show a first event', async () => {
  // Its variables have the names of those of docs/localstack.md.
  await using terminal = openShell({});
  const printed = await terminal.type(...guide('See your first event'));
  oracle.push({ queue: 'first-event', event: 'completed', jobId: '1', result: { hello: 'EventBridge' } });

  expect(printed).toContain('"returnvalue":{"hello":"EventBridge"}');
});

test('started by its schedule, the deployed function tells subscribers exactly how each job ended', async () => {
  await runJobs(20);

  const printed = await shell.type(...steps('5.'));
  oracle.push({ queue: 'demo', event: 'completed', jobId: '1', result: { greeting: 'Hello bullbridge' } });

  expect(printed).toContain('"returnvalue":{"greeting":"Hello bullbridge"}');
  const arrived = async () => endingsOf(await inbox.take());
  await expect.poll(arrived, { timeout: TICK }).toEqual(sorted(oracle));
  const failed = oracle.filter(({ event }) => event === 'failed').map(({ queue, jobId }) => `${queue} ${jobId}`);
  const consumed = async () =>
    (await logsOf(consumer))
      .filter(({ message }) => message === 'job failed')
      .map(({ queue, jobId }) => `${queue} ${jobId}`)
      .sort();
  await expect.poll(consumed, { timeout: TICK }).toEqual(failed.sort());
});

test('QueueEvents of the packed consumer hears the same in a function behind a queue', async () => {
  const heard = async () => {
    const lines = (await logsOf(listener)).filter(({ message }) => message === 'heard');
    const endings = lines.map(({ queue, event, jobId, result }) => ({ queue, event, jobId, result }) as Ending);
    return sorted(endings.filter(({ event }) => event === 'completed' || event === 'failed'));
  };

  await expect.poll(heard, { timeout: TICK }).toEqual(sorted(oracle));
});

test('the steps of docs/runbook.md to an event that is missing lead to the stack', async () => {
  const [functions = ''] = runbook('Runbook');
  const steps = runbook('Deployed, and nothing arrives')
    // Not every machine has it.
    .filter((block) => !block.includes('redis-cli'))
    .map((block) => block.replace('RULE=failed-payments', 'RULE=demo'));

  const printed = await shell.type(functions, ...steps);

  const { host } = new URL(process.env['FUNCTIONS_REDIS_URL'] ?? redisUrl);
  for (const part of ['ENABLED', '"CHECKPOINT_TABLE"', `\n${host}\n`, 'MatchedEvents', ':demo"'])
    expect(printed).toContain(part);
});

test('the position of each queue is at the end of its stream', async () => {
  const positionOf = async (queue: string) => {
    const Key = { pk: { S: `default/bull:${queue}` }, sk: { S: 'position' } };
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName: stack['CheckpointTable'], Key }));
    return { id: Item?.['position']?.S, ordinal: Item?.['ordinal']?.N };
  };

  for (const queue of QUEUES) {
    const entries = await streamOf(queue);
    await expect
      .poll(() => positionOf(queue), { timeout: TICK })
      .toEqual({ id: entries.at(-1)?.[0], ordinal: `${entries.length}` });
  }
});

test('redriven events arrive; an event that the bus refuses again stays, with its history, until it is corrected', async () => {
  const { DeadLetterQueueUrl: queueUrl = '', EventBusName: busName = '', RedriveFunction = '' } = stack;
  const park = parkIn(sqs, { queueUrl, busName, now: () => new Date() });
  const refusal = { errorCode: 'InternalException', errorMessage: 'as the bus said', attempts: 3 };
  const entry = (id: string, DetailType: string) => ({
    Source: 'bullmq',
    DetailType,
    Detail: JSON.stringify({ version: '1', id, queue: 'parked' }),
  });
  const { signal } = new AbortController();
  for (const made of [entry('parked/good', 'Job Completed'), entry('parked/bad', '')])
    await park({ entry: made, original: made }, refusal, signal);

  expect(await invoke(RedriveFunction, { dryRun: true })).toMatchObject({ redriven: 2, failed: 0, left: 0 });
  expect(await invoke(RedriveFunction, {})).toEqual({ redriven: 1, failed: 1, left: 1 });

  const { Messages: [message] = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 5 }),
  );
  const letter = JSON.parse(message?.Body ?? '');
  expect(letter).toMatchObject({
    entry: entry('parked/bad', ''),
    errorCode: 'InvalidArgument',
    errorMessage: 'Parameter DetailType is not valid. Reason: DetailType is a required argument.',
    attempts: 4,
    history: [{ errorCode: 'InternalException' }],
  });
  const corrected = { ...letter, entry: { ...letter.entry, DetailType: 'Job Failed' } };
  await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(corrected) }));
  await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message?.ReceiptHandle }));
  expect(await invoke(RedriveFunction, {})).toEqual({ redriven: 1, failed: 0, left: 0 });
  const arrived = async () =>
    (await inbox.take())
      .filter(({ detail }) => detail['queue'] === 'parked')
      .map((event) => [event['detail-type'], event.detail['id']])
      .sort();
  await expect.poll(arrived, { timeout: TICK }).toEqual([
    ['Job Completed', 'parked/good'],
    ['Job Failed', 'parked/bad'],
  ]);
});

test('the next tick publishes nothing more', async () => {
  const published = async () => (await runs()).map((run) => run['published']);
  const whole = oracle.length;
  const sum = (counts: readonly unknown[]) => counts.reduce<number>((all, count) => all + Number(count), 0);

  await expect.poll(async () => (await published()).at(-1), { timeout: TICK, interval: 500 }).toBe(0);

  expect(sum(await published())).toBe(whole);
  const arrived = endingsOf(await inbox.take()).filter(({ queue }) => queue !== 'parked');
  expect(arrived).toEqual(sorted(oracle));
  expect(await runs()).toEqual((await runs()).map(() => expect.objectContaining({ parked: 0, lost: 0 })));
});

test('a deployment that is paused starts no runs, and keeps what it has', async () => {
  // A run that listens would do so until it times out: no run follows it.
  await shell.type(`${DEPLOY} -c enabled=false -c tail=never\n`);

  expect(await schedules()).toEqual(['DISABLED', 'DISABLED']);
  expect(await outputsOf('Bullbridge')).toEqual(stack);
});

/** What arrived on the bus, but for what was parked by hand. */
const told = async () => (await inbox.take()).filter(({ detail }) => detail['queue'] !== 'parked');

/** The endings of jobs that arrived, each once. */
async function once() {
  const endings = endingsOf(await told());
  return [...new Map(endings.map((ending) => [keyOf(ending), ending])).values()];
}

// Paused: no run but the one that is invoked reads what is then trimmed.
test('what Redis trims before it is read is told of with the exact count, and what the jobs still say is recovered', {
  timeout: 600_000,
}, async () => {
  // A run that began before the pause may still listen. This one takes over from it.
  expect(await invoke(stack['ForwardFunction'] ?? '', {})).toMatchObject({ published: 0, caughtUp: true });
  await runJobs(20);
  const entries = (await streamOf('emails')).map(([id]) => id);
  await redis.xtrim('bull:emails:events', 'MAXLEN', '=', 10);

  await invoke(stack['ForwardFunction'] ?? '', {});

  await expect.poll(() => newsOf('Events Lost'), { timeout: TICK }).toHaveLength(1);
  const [lost] = await newsOf('Events Lost');
  const last = entries.indexOf(`${lost?.['afterId']}`);
  expect(last).toBeGreaterThan(-1);
  expect(lost).toMatchObject({
    queue: 'emails',
    lost: entries.length - 10 - (last + 1),
    exact: true,
    reason: 'trimmed',
    beforeId: entries.at(-10),
  });

  await invoke(stack['ReconcileFunction'] ?? '', {});

  await expect.poll(() => newsOf('Events Recovered'), { timeout: TICK }).toHaveLength(1);
  const [recovered] = await newsOf('Events Recovered');
  expect(recovered).toMatchObject({ queue: 'emails', lost: lost?.['lost'] });
  // What may have been forwarded before the gap comes again, and says so.
  await expect.poll(once, { timeout: TICK }).toEqual(sorted(oracle));
  const sure = endingsOf((await told()).filter(({ detail }) => !detail['possibleDuplicate']));
  expect(sure).toHaveLength(new Set(sure.map(keyOf)).size);
  expect((await told()).filter(({ detail }) => detail['recovered'])).toHaveLength(
    Number(recovered?.['completed']) + Number(recovered?.['failed']),
  );
});

test('a deployment that is resumed continues from its positions', async () => {
  await runJobs(5);

  await shell.type(`${DEPLOY} -c enabled=true\n`);

  expect(await schedules()).toEqual(['ENABLED', 'ENABLED']);
  // Not from the log: a run that listens says what it published when it ends.
  await expect.poll(once, { timeout: TICK }).toEqual(sorted(oracle));
});

test('a new stack takes over the table that a deleted one left', { timeout: 600_000 }, async () => {
  // Its variables have the names of those of docs/localstack.md.
  await using terminal = openShell({ CDK_HOME: cdkHome, CDK_DISABLE_CLI_TELEMETRY: 'true' });
  // A run that listens would do so until it times out: no run follows it.
  const deploy =
    'npx cdk deploy --require-approval never -c enabled=false -c tail=never -c queues=emails -c alarms=false -c dashboard=false';
  await terminal.type(`${deploy} -c stackName=Old\n`);
  const old = await outputsOf('Old');
  expect(await invoke(old['ForwardFunction'] ?? '', {})).toMatchObject({ caughtUp: true });
  await terminal.type(`
    TABLE=${old['CheckpointTable']} QUEUE_URL=${old['DeadLetterQueueUrl']} BUCKET=${old['PayloadBucket']}
    npx cdk destroy --force -c stackName=Old
  `);
  const endings = (await Promise.all(jobs.map((queue) => queue.run(3)))).flat();
  oracle.push(...endings);

  // Not the queue: LocalStack does not answer at the URL that the CDK makes of an ARN.
  await terminal.type(`${deploy} -c stackName=Moved -c removalPolicy=destroy -c checkpointTableName="$TABLE"\n`);

  const moved = await outputsOf('Moved');
  expect(moved['CheckpointTable']).toBe(old['CheckpointTable']);
  const { length: published } = endings.filter(({ queue }) => queue === 'emails');
  expect(await invoke(moved['ForwardFunction'] ?? '', {})).toMatchObject({ published, lost: 0, caughtUp: true });
  await terminal.type(`
    npx cdk destroy --force -c stackName=Moved
    aws dynamodb update-table --table-name "$TABLE" --no-deletion-protection-enabled
    aws dynamodb delete-table --table-name "$TABLE"
    aws sqs delete-queue --queue-url "$QUEUE_URL"
    aws s3 rb --force "s3://$BUCKET"
  `);
});

test('destroy leaves nothing behind', async () => {
  await shell.type(`npx cdk destroy --force ${SUBSCRIBERS}`);

  await shell.type(...steps('Clean up'));

  const own = (items: readonly string[]) => items.filter((item) => !/cdk-hnb659fds|CDKToolkit/.test(item));
  expect(own(await inventory())).toEqual(own(before));
});
