import { setTimeout } from 'node:timers/promises';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { markSeenWhole, seenWholeAt } from '../../functions/checkpoint/first-run.ts';
import { askForLease, liftLease, releaseLease, renewLease, takeLease } from '../../functions/checkpoint/lease.ts';
import { closeGap, type Ledger, openGap, openGaps, saveProgress } from '../../functions/checkpoint/ledger.ts';
import { createPatientClient } from '../../functions/checkpoint/patient-table.ts';
import { loadCheckpoints, saveCheckpoint } from '../../functions/checkpoint/positions.ts';
import type { TableClient } from '../../functions/checkpoint/table.ts';
import { outageProxy } from '../chaos/outage-proxy.ts';
import { faultyTable, type TableFault } from '../chaos/proxies.ts';
import { dynamoClient, ownTable } from '../dynamodb.ts';
import { faultsByName } from '../titles.ts';

const NOW = new Date('2026-11-01T12:00:00Z');

/** A client with short timeouts, so that a test need not wait for what hangs. */
function clientOf(endpoint: string): TableClient {
  const client = new DynamoDBClient({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 300, requestTimeout: 300, throwOnRequestTimeout: true },
  });
  onTestFinished(() => client.destroy());
  return client;
}

/** A table behind an endpoint, with a patient client. */
async function patientTable(endpoint: string, wait = (milliseconds: number) => setTimeout(milliseconds / 10)) {
  const drain = new AbortController();
  const warnings: string[] = [];
  const patience = { wait, signal: drain.signal, warn: (message: string) => warnings.push(message) };
  const table = await ownTable(dynamoClient());
  const rows = { client: createPatientClient(clientOf(endpoint), patience), table, now: () => NOW, wait };
  const ledger: Ledger = { ...rows, sourceName: 'default', prefix: 'bull' };
  return { rows, ledger, drain, warnings };
}

const planned = async (plan: (call: number) => TableFault | undefined) =>
  patientTable((await faultyTable(inject('dynamoUrl'), plan)).url, async () => {});

const key = 'default/bull:q';
const entry = (ordinal: number) => ({ kind: 'entry', id: `${ordinal}-1`, ordinal, digest: 'd' }) as const;
const gap = { queue: 'q', reason: 'trimmed', lost: 3, exact: true, afterId: '1-1', beforeId: '9-1' } as const;

describe('an outage of the table', () => {
  test.each(
    faultsByName(
      { kind: 'refuses' },
      { kind: 'resets' },
      { kind: 'hangs' },
      { kind: 'error', status: 500, code: 'InternalServerError' },
      { kind: 'error', status: 503, code: 'ServiceUnavailable' },
      { kind: 'error', status: 400, code: 'ThrottlingException' },
      { kind: 'error', status: 400, code: 'ProvisionedThroughputExceededException' },
      { kind: 'error', status: 502, code: 'BadGateway' },
    ),
  )('that %s is waited for, with a warning when it begins and when it ends', async (_, how) => {
    const proxy = await outageProxy(inject('dynamoUrl'));
    const { rows, ledger, warnings } = await patientTable(proxy.url);
    await proxy.leave(how);

    const calls = Promise.all([
      takeLease(rows, 'shard', 'one'),
      loadCheckpoints(rows, [key]),
      seenWholeAt(rows, ledger),
      Array.fromAsync(openGaps(ledger)),
    ]);
    await expect.poll(() => warnings).toHaveLength(1);
    await proxy.comeBack();

    expect(await calls).toEqual([expect.objectContaining({ epoch: 1 }), new Map(), undefined, []]);
    expect(warnings).toEqual([
      expect.stringMatching(/^The checkpoint table does not answer \(.*\); waiting$/),
      expect.stringMatching(/^The checkpoint table answers again after \d+\.\d s$/),
    ]);
  });

  test('of DNS is also waited for', async () => {
    let waits = 0;
    const { rows, drain } = await patientTable('http://table.invalid', async () => {
      waits += 1;
      if (waits === 5) drain.abort();
    });

    await expect(takeLease(rows, 'shard', 'one')).rejects.toMatchObject({ code: 'TABLE_UNAVAILABLE' });
    expect(waits).toBe(5);
  });

  test('that ends at once causes no warning', async () => {
    const { rows, warnings } = await planned((call) =>
      call <= 4 ? { kind: 'error', status: 500, code: 'InternalServerError' } : undefined,
    );

    expect(await takeLease(rows, 'shard', 'one')).toMatchObject({ epoch: 1 });
    expect(warnings).toEqual([]);
  });

  test('that lasts until the run must end is an error, for calls under way and for later calls', async () => {
    const proxy = await outageProxy(inject('dynamoUrl'));
    const { rows, drain, warnings } = await patientTable(proxy.url);
    await proxy.leave({ kind: 'hangs' });
    const underWay = [takeLease(rows, 'shard', 'one'), loadCheckpoints(rows, [key])];
    await expect.poll(() => warnings).toHaveLength(1);

    drain.abort();

    const unavailable = { code: 'TABLE_UNAVAILABLE', message: expect.stringContaining('TimeoutError') };
    await Promise.all(underWay.map((call) => expect(call).rejects.toMatchObject(unavailable)));
    await proxy.comeBack();
    await expect(takeLease(rows, 'shard', 'two')).rejects.toMatchObject(unavailable);
  });

  test('that is over before the run must end does not stop later calls', async () => {
    const { rows, drain } = await planned((call) =>
      call <= 2 ? { kind: 'error', status: 500, code: 'InternalServerError' } : undefined,
    );
    await takeLease(rows, 'shard', 'one');

    drain.abort();

    expect(await loadCheckpoints(rows, [key])).toEqual(new Map());
  });
});

test.each([
  ['ResourceNotFoundException', 'TABLE_MISSING'],
  ['AccessDeniedException', 'TABLE_DENIED'],
  ['UnrecognizedClientException', 'TABLE_DENIED'],
  ['ExpiredTokenException', 'TABLE_DENIED'],
  ['ValidationException', 'TABLE_UNAVAILABLE'],
])('%s does not pass by itself, and is thrown at once', async (name, code) => {
  let calls = 0;
  const { rows } = await planned(() => {
    calls += 1;
    return { kind: 'error', status: 400, code: name };
  });

  await expect(takeLease(rows, 'shard', 'one')).rejects.toMatchObject({ code });
  expect(calls).toBe(1);
});

type Rows = Awaited<ReturnType<typeof patientTable>>['rows'];

const lease = { key: 'shard', owner: 'one', epoch: 1, isDoubtful: false };
const taken = (rows: Rows) => takeLease(rows, 'shard', 'one');
const opened = (_: Rows, ledger: Ledger) => openGap(ledger, { ...gap, detectedAt: 7 });
const open = { ...gap, detectedAt: 7, revision: 1 };

/** Each write, and what comes before it. */
const WRITES: Readonly<Record<string, readonly ((rows: Rows, ledger: Ledger) => Promise<unknown>)[]>> = {
  'takes a lease': [taken],
  'asks for a lease': [taken, (rows) => askForLease(rows, 'shard', 'two', { heldBy: lease, since: 5 })],
  'renews a lease': [taken, (rows) => renewLease(rows, lease)],
  'lifts a lease': [taken, (rows) => liftLease(rows, lease, 41)],
  'releases a lease': [taken, (rows) => releaseLease(rows, lease, true)],
  'saves a first position': [(rows) => saveCheckpoint(rows, { key, previous: undefined, next: entry(1) }, 1)],
  'moves a position': [
    (rows) => saveCheckpoint(rows, { key, previous: undefined, next: entry(1) }, 1),
    (rows) => saveCheckpoint(rows, { key, previous: { position: entry(1), anchors: [], epoch: 1 }, next: entry(2) }, 1),
  ],
  'marks a source': [(rows, ledger) => markSeenWhole(rows, ledger)],
  'opens a gap': [opened],
  'opens a gap again': [opened, (_, ledger) => openGap(ledger, { ...gap, lost: 4, detectedAt: 8 })],
  'saves the progress of a gap': [opened, (_, ledger) => saveProgress(ledger, open, 'here')],
  'closes a gap': [opened, (_, ledger) => closeGap(ledger, open, { completed: 1, failed: 1, unknown: 1 }, 9000)],
};

describe('a write whose answer is lost is recognised as its own:', () => {
  /** What the last write returned, and what the table has then. */
  async function outcomeOf(name: string, plan: (call: number) => TableFault | undefined) {
    const { rows, ledger } = await planned(plan);
    let returned: unknown;
    for (const write of WRITES[name] ?? []) returned = await write(rows, ledger);
    const { Items = [] } = await dynamoClient().send(new ScanCommand({ TableName: rows.table }));
    return { returned, rows: Items };
  }

  test.each(Object.keys(WRITES))('a write that %s', async (name) => {
    const last = WRITES[name]?.length;
    const lost = ({ from, times }: { from: number; times: number }) =>
      outcomeOf(name, (call) => (call >= from && call < from + times ? { kind: 'reset-after-accept' } : undefined));

    const undisturbed = await outcomeOf(name, () => undefined);

    for (const times of [1, 2, 5]) expect(await lost({ from: last ?? 1, times })).toEqual(undisturbed);
    expect(await lost({ from: 1, times: 1 })).toEqual(undisturbed);
  });
});
