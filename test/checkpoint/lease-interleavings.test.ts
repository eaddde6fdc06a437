import { type DynamoDBClient, GetItemCommand, type UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { awaitLease } from '../../functions/checkpoint/await-lease.ts';
import {
  askForLease,
  LEASE_MS,
  type Lease,
  type LeaseRow,
  liftLease,
  releaseLease,
  renewLease,
  takeLease,
} from '../../functions/checkpoint/lease.ts';
import { toRow } from '../../functions/checkpoint/row.ts';
import { dynamoClient, ownTable } from '../dynamodb.ts';
import { repetitions } from '../effort.ts';

const START = Date.parse('2026-11-01T12:00:00Z');
const DAY = 24 * 3_600_000;
const KEY = { pk: { S: 'shard' }, sk: { S: 'lease' } };

/** One step of one of three runs. */
type Step =
  /** `gaveUp`: the run has seen no renewal for the length of a lease, or so it believes. */
  | { readonly kind: 'take'; readonly run: number; readonly gaveUp: boolean; readonly sends: number }
  | { readonly kind: 'ask' | 'renew' | 'release'; readonly run: number; readonly sends: number }
  | { readonly kind: 'lift'; readonly run: number; readonly above: number; readonly sends: number }
  /** The process ends, and another one takes its place. */
  | { readonly kind: 'crash'; readonly run: number }
  | { readonly kind: 'advance'; readonly by: number }
  /** A copy of an earlier write arrives, whoever sent it. */
  | { readonly kind: 'late'; readonly nth: number };

const run = fc.nat(2);
/** A write that is sent more often has lost its answer. */
const sends = fc.constantFrom(1, 1, 2);
const stepOf = (weight: number, fields: Readonly<Record<string, fc.Arbitrary<unknown>>>) => ({
  weight,
  arbitrary: fc.record(fields) as unknown as fc.Arbitrary<Step>,
});
const step = fc.oneof(
  stepOf(3, { kind: fc.constant('take'), run, gaveUp: fc.boolean(), sends }),
  stepOf(1, { kind: fc.constant('ask'), run, sends }),
  stepOf(6, { kind: fc.constantFrom('renew', 'release'), run, sends }),
  stepOf(1, { kind: fc.constant('lift'), run, above: fc.nat(12), sends }),
  stepOf(1, { kind: fc.constant('crash'), run }),
  stepOf(2, { kind: fc.constant('advance'), by: fc.integer({ min: 0, max: 2 * LEASE_MS }) }),
  stepOf(3, { kind: fc.constant('late'), nth: fc.nat(20) }),
);
const offset = fc.oneof(fc.constant(0), fc.integer({ min: -60_000, max: 60_000 }), fc.integer({ min: -DAY, max: DAY }));

interface Run {
  readonly owner: string;
  readonly offset: number;
  lease?: Lease | undefined;
  seen?: LeaseRow;
}

/** Holds the row against what must be true of it, whatever it was before. */
function createWatch() {
  const owners = new Map<number, unknown>();
  const released = new Set<number>();
  let newest = 0;
  return ({ owner, epoch, expiresAt }: Readonly<Record<string, unknown>>) => {
    const turn = Number(epoch ?? 0);
    expect(turn, 'the epoch went back').toBeGreaterThanOrEqual(newest);
    newest = turn;
    if (turn === 0) return;
    if (!owners.has(turn)) owners.set(turn, owner);
    expect(owner, `two runs had epoch ${turn}`).toBe(owners.get(turn));
    if (released.has(turn)) expect(expiresAt, 'a released lease lives again').toBe(0);
    if (expiresAt === 0) released.add(turn);
  };
}

async function live(offsets: readonly number[], steps: readonly Step[]): Promise<void> {
  const client = dynamoClient();
  const table = await ownTable(client);
  const sent: UpdateItemCommand[] = [];
  const watch = createWatch();
  let time = START;
  let processes = 0;
  const start = (by: number): Run => ({ owner: `run ${++processes}`, offset: by });
  const runs = offsets.map(start);

  async function look(): Promise<void> {
    const { Item = {} } = await client.send(new GetItemCommand({ TableName: table, Key: KEY, ConsistentRead: true }));
    watch(toRow(Item, table));
  }

  /** The table as a run sees it, which sends each write so many times and hears the last answer. */
  function tableOf(by: number, times = 1) {
    const send = async (command: UpdateItemCommand) => {
      sent.push(command);
      for (let n = 1; n < times; n += 1) {
        await client.send(command).catch(() => undefined);
        await look();
      }
      return client.send(command);
    };
    return { client: { send } as unknown as DynamoDBClient, table, now: () => new Date(time + by) };
  }

  async function take(of: Run, { gaveUp, sends: times }: { gaveUp: boolean; sends: number }): Promise<void> {
    // A run takes the lease once.
    if (of.lease) return;
    const taken = await takeLease(tableOf(of.offset, times), 'shard', of.owner, gaveUp ? of.seen : undefined);
    if ('epoch' in taken) of.lease = taken;
    else of.seen = taken.heldBy;
  }

  async function happen(next: Step): Promise<void> {
    if (next.kind === 'advance') {
      time += next.by;
      return;
    }
    if (next.kind === 'late') {
      const command = sent[sent.length - 1 - next.nth];
      if (command) await client.send(command).catch(() => undefined);
      return;
    }
    const of = runs[next.run] as Run;
    if (next.kind === 'crash') {
      runs[next.run] = start(of.offset);
      return;
    }
    const own = tableOf(of.offset, next.sends);
    if (next.kind === 'take') return take(of, next);
    if (next.kind === 'ask') {
      if (of.seen && !of.lease) await askForLease(own, 'shard', of.owner, { heldBy: of.seen, since: time });
      return;
    }
    if (!of.lease) return;
    if (next.kind === 'renew') await renewLease(own, of.lease);
    if (next.kind === 'release') await releaseLease(own, of.lease);
    if (next.kind === 'lift') of.lease = (await liftLease(own, of.lease, next.above)) ?? of.lease;
  }

  for (const next of steps) {
    await happen(next);
    await look();
    const epochs = runs.flatMap(({ lease }) => lease?.epoch ?? []);
    expect(new Set(epochs).size, 'two runs have a lease of the same epoch').toBe(epochs.length);
  }

  // Whatever is left behind: a run that comes now gets the lease, when nobody renews it.
  const arrived = time;
  const waiting = {
    ...tableOf(0),
    wait: async (milliseconds: number) => {
      time += milliseconds;
    },
  };
  expect(await awaitLease(waiting, 'shard', 'the last', new AbortController().signal)).toMatchObject({
    owner: 'the last',
  });
  expect(time - arrived).toBeLessThanOrEqual(LEASE_MS + 500);
}

describe('in any order of the steps of three runs, with lost answers, late writes and wrong clocks,', () => {
  test.prop([fc.array(offset, { minLength: 3, maxLength: 3 }), fc.array(step, { maxLength: 30, size: 'max' })], {
    numRuns: repetitions(60, 20),
  })('no epoch has two owners, no released lease is revived, and the last run gets the lease', live);
});
