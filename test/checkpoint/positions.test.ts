import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { anchorsFor } from '../../functions/checkpoint/anchors.ts';
import { positionKey } from '../../functions/checkpoint/keys.ts';
import { loadCheckpoints, saveCheckpoint } from '../../functions/checkpoint/positions.ts';
import type { Clock, Table } from '../../functions/checkpoint/table.ts';
import { compareIds, idTime } from '../../functions/stream/id.ts';
import { type AtEntry, beginning, type Position } from '../../functions/stream/position.ts';
import { dynamoClient, ownTable, setFormat } from '../dynamodb.ts';
import { repetitions } from '../effort.ts';

const KEY = 'default/bull:emails';
const at = (ms: number, ordinal?: number): AtEntry => ({
  kind: 'entry',
  id: `${ms}-0`,
  ...(ordinal !== undefined && { ordinal }),
  digest: 'x',
});

type Positions = Table & Clock & { readonly wait: () => Promise<void> };

const NOW = Date.parse('2026-11-01T12:00:00Z');

async function ownPositions(): Promise<Positions> {
  const client = dynamoClient();
  return { client, table: await ownTable(client), now: () => new Date(NOW), wait: async () => {} };
}

async function rowOf({ client, table }: Positions, pk = KEY) {
  const { Item } = await client.send(
    new GetItemCommand({ TableName: table, Key: { pk: { S: pk }, sk: { S: 'position' } } }),
  );
  return Item ?? {};
}

async function saved(table: Positions, position: Position, epoch = 1) {
  const checkpoint = await saveCheckpoint(table, { key: KEY, previous: undefined, next: position }, epoch);
  if (!checkpoint) throw new Error('not saved');
  return checkpoint;
}

describe('the position of a queue', () => {
  test('is loaded as it was saved, with its anchors', async () => {
    const table = await ownPositions();
    const first = await saved(table, at(5, 3));
    const second = await saveCheckpoint(table, { key: KEY, previous: first, next: at(9) }, 1);

    expect(await loadCheckpoints(table, [KEY, 'default/bull:other'])).toEqual(new Map([[KEY, second]]));
    expect(second).toEqual({ position: at(9), anchors: [at(5, 3)], epoch: 1 });
  });

  test.each<Position>([
    beginning(0),
    beginning(7),
    beginning(),
    { kind: 'unread', id: '9-3', ordinal: 7 },
    { kind: 'unread', id: '9-3' },
    { kind: 'gap', id: '0-0', ordinal: 0 },
    { kind: 'gap', id: '9-3', ordinal: 7, offset: 2 },
    { kind: 'entry', id: '9-3', ordinal: 7, offset: 2, digest: 'abc' },
    { kind: 'entry', id: '9-3', digest: 'abc' },
  ])('is loaded as it was saved, of each kind: %j', async (position) => {
    const table = await ownPositions();
    const first = await saved(table, position);

    const loaded = (await loadCheckpoints(table, [KEY])).get(KEY);

    expect(loaded?.position).toEqual(position);
    expect(await saveCheckpoint(table, { key: KEY, previous: loaded, next: at(20, 9) }, 1)).toMatchObject({
      anchors: first.position.kind === 'entry' ? [first.position] : [],
    });
  });

  test.each<[string, string, number | undefined, Position]>([
    ['9-3', 'abc', 7, { kind: 'entry', id: '9-3', ordinal: 7, digest: 'abc' }],
    ['9-3', '', 7, { kind: 'gap', id: '9-3', ordinal: 7 }],
    ['9-3', '', 0, { kind: 'gap', id: '0-0', ordinal: 0 }],
    ['0-0', '', undefined, { kind: 'gap', id: '0-0' }],
  ])('is read from a row of version 0.1: %s, digest "%s", ordinal %s', async (id, digest, ordinal, position) => {
    const table = await ownPositions();
    await table.client.send(
      new PutItemCommand({
        TableName: table.table,
        Item: {
          ...{ pk: { S: KEY }, sk: { S: 'position' }, format: { N: '1' }, epoch: { N: '3' } },
          ...{ position: { S: id }, digest: { S: digest }, anchors: { L: [{ S: '5-0 2 x' }, { S: '4-0  y' }] } },
          ordinal: ordinal === undefined ? { NULL: true } : { N: `${ordinal}` },
        },
      }),
    );

    expect((await loadCheckpoints(table, [KEY])).get(KEY)).toEqual({
      position,
      anchors: [at(5, 2), { kind: 'entry', id: '4-0', digest: 'y' }],
      epoch: 3,
    });
  });

  test('moves only from its last value', async () => {
    const table = await ownPositions();
    const first = await saved(table, at(5, 3));
    const move = (previous: typeof first | undefined, next: Position) =>
      saveCheckpoint(table, { key: KEY, previous, next }, 1);

    expect(await move(undefined, at(7, 4))).toBeUndefined();
    expect(await move({ ...first, position: at(4, 2) }, at(7, 4))).toBeUndefined();
    expect(await move({ ...first, position: at(5, 99) }, at(7, 4))).toBeUndefined();
    expect(await move(first, at(7, 4))).toMatchObject({ position: at(7, 4) });
  });

  test('also moves without an ordinal, and gains one', async () => {
    const table = await ownPositions();
    const first = await saved(table, at(5));

    expect(await saveCheckpoint(table, { key: KEY, previous: first, next: at(7, 4) }, 1)).toMatchObject({
      position: at(7, 4),
    });
  });

  test('is not moved by a run of an earlier epoch', async () => {
    const table = await ownPositions();
    const first = await saved(table, at(5, 3), 7);

    expect(await saveCheckpoint(table, { key: KEY, previous: first, next: at(7, 4) }, 6)).toBeUndefined();
  });

  test('counts as saved if the answer was lost and the write was sent again', async () => {
    const table = await ownPositions();
    const first = await saved(table, at(5, 3));
    const move = { key: KEY, previous: first, next: at(7, 4) };
    await saveCheckpoint(table, move, 2);

    expect(await saveCheckpoint(table, move, 2)).toMatchObject({ position: at(7, 4), epoch: 2 });
    expect(await saveCheckpoint(table, move, 3)).toBeUndefined();
  });

  prop.prop([fc.subarray(['position', 'ordinal', 'digest', 'anchors', 'epoch', 'format']), fc.boolean()], {
    numRuns: repetitions(30, 10),
  })('moves on from a row that lacks any of its attributes', async (lacking, isCounted) => {
    const table = await ownPositions();
    await saved(table, isCounted ? at(5, 3) : at(5), 7);
    const row = await rowOf(table);
    const Item = Object.fromEntries(Object.entries(row).filter(([name]) => !lacking.includes(name)));
    await table.client.send(new PutItemCommand({ TableName: table.table, Item }));

    const previous = (await loadCheckpoints(table, [KEY])).get(KEY);
    const move = { key: KEY, previous, next: at(7, 4) };

    expect(await saveCheckpoint(table, move, 8)).toMatchObject({ position: at(7, 4), epoch: 8 });
    expect((await loadCheckpoints(table, [KEY])).get(KEY)).toMatchObject({ position: at(7, 4), epoch: 8 });
    expect(await saveCheckpoint(table, { ...move, next: at(9, 5) }, 8)).toBeUndefined();
  });

  test('is saved with the name of the queue if the name is too long for a key', async () => {
    const table = await ownPositions();
    const keys = [1100, 2100, 2101].map((length) => `default/bull:${'é'.repeat(length / 2)}${length % 2 ? 'x' : ''}`);
    for (const [n, key] of keys.entries())
      await saveCheckpoint(table, { key, previous: undefined, next: at(n + 1, n) }, 1);

    const loaded = await loadCheckpoints(table, [KEY, ...keys]);

    expect([...loaded].map(([key, { position }]) => [key, position])).toEqual(
      expect.arrayContaining(keys.map((key, n) => [key, at(n + 1, n)])),
    );
    expect(loaded.size).toBe(3);
    expect(await rowOf(table, keys[0])).not.toHaveProperty('queueId');
    const { pk } = positionKey(keys[1] as string);
    expect(await rowOf(table, pk)).toMatchObject({ queueId: { S: keys[1] } });
  });

  test('expires a year after its stream was gone, unless the queue comes back', async () => {
    const table = await ownPositions();
    const first = await saved(table, at(5, 3));
    expect(await rowOf(table)).not.toHaveProperty('ttl');

    const gone = await saveCheckpoint(
      table,
      { key: KEY, previous: first, next: { kind: 'gap', id: '0-0', ordinal: 0 } },
      1,
    );
    expect(await rowOf(table)).toMatchObject({ ttl: { N: `${Math.floor(NOW / 1000) + 365 * 24 * 3600}` } });

    await saveCheckpoint(table, { key: KEY, previous: gone, next: at(7, 1) }, 1);
    expect(await rowOf(table)).not.toHaveProperty('ttl');
  });

  test('is loaded for thousands of queues', async () => {
    const table = await ownPositions();
    const keys = Array.from({ length: 250 }, (_, n) => `default/bull:q${n}`);
    await Promise.all(keys.map((key, n) => saveCheckpoint(table, { key, previous: undefined, next: at(n + 1, n) }, 1)));

    const loaded = await loadCheckpoints(table, keys);

    expect(loaded.size).toBe(250);
    expect(loaded.get('default/bull:q249')?.position).toEqual(at(250, 249));
  });

  test('of a newer format stops the run, because it could be misread', async () => {
    const table = await ownPositions();
    await saved(table, at(5, 3));
    await setFormat(table, KEY, 'position', 2);

    await expect(loadCheckpoints(table, [KEY])).rejects.toMatchObject({
      name: 'CheckpointError',
      code: 'TABLE_FORMAT',
      message: `A newer bullbridge wrote the checkpoint table ("${table.table}"): the row "${KEY} position" has format 2, and this version knows formats up to 1. Nothing is skipped: upgrade this one.`,
    });
  });

  test('without a table causes a clear error', async () => {
    const table = await ownPositions();

    await expect(loadCheckpoints({ ...table, table: 'no-such-table' }, [KEY])).rejects.toMatchObject({
      code: 'TABLE_MISSING',
    });
  });
});

describe('anchors', () => {
  prop.prop([fc.integer({ min: 1, max: 600_000 }), fc.integer({ min: 1, max: 2000 })])(
    'of a queue that moves steadily are few, newest first, and one of them is at most sixteen times as old as needed',
    (step, steps) => {
      let anchors: AtEntry[] = [];
      let position = at(1_000_000_000_000, 1);
      for (let n = 0; n < steps; n += 1) {
        const next = at(idTime(position.id) + step, 1);
        anchors = anchorsFor(next, position, anchors);
        position = next;
      }

      expect(anchors.length).toBeLessThanOrEqual(8);
      for (const [i, anchor] of [position, ...anchors].entries()) {
        const older = anchors[i];
        if (older) expect(compareIds(older.id, anchor.id)).toBeLessThan(0);
      }
      const ages = anchors.map((anchor) => idTime(position.id) - idTime(anchor.id));
      for (let lag = 1000; lag < Math.min(step * steps, 4 ** 7 * 1000) / 16; lag *= 2) {
        expect(ages.some((age) => age >= lag && age <= Math.max(16 * lag, 16 * step))).toBe(true);
      }
    },
  );

  test('that are not older than the position after a roll-back are dropped', () => {
    expect(anchorsFor(at(5_000), at(20_000), [at(10_000), at(4_000), at(10)])).toEqual([at(4_000), at(10)]);
  });
});
