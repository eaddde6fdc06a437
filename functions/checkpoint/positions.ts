import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import pMap from 'p-map';
import { ZERO_ID } from '../stream/id.ts';
import { type AtEntry, type Position, samePosition } from '../stream/position.ts';
import { anchorsFor } from './anchors.ts';
import { checkFormat, FORMAT_VALUE } from './format.ts';
import { checkpointError } from './table-error.ts';

export interface PositionTable {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly wait: (milliseconds: number) => Promise<unknown>;
}

/** What is saved of a queue. */
export interface Checkpoint {
  readonly position: Position;
  /** Older positions, newest first; see {@link anchorsFor}. */
  readonly anchors: readonly AtEntry[];
  /** The epoch of the run that wrote it. */
  readonly epoch: number;
}

type Item = Record<string, AttributeValue>;

/** Keys of one BatchGetItem. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const MAX_BATCH = 100;
const MAX_CONCURRENCY = 16;

/**
 * Loads the checkpoints of many queues; a queue that has none is not in the map.
 *
 * @throws {CheckpointError} when the table is missing, denied or does not answer, or has rows of a newer version
 */
export async function loadCheckpoints(table: PositionTable, keys: readonly string[]): Promise<Map<string, Checkpoint>> {
  const batches: string[][] = [];
  for (let i = 0; i < keys.length; i += MAX_BATCH) batches.push(keys.slice(i, i + MAX_BATCH));
  const items = await pMap(batches, (batch) => loadBatch(table, batch), { concurrency: MAX_CONCURRENCY });
  return new Map(items.flat().map((item) => [item['pk']?.S as string, toCheckpoint(item)]));
}

async function loadBatch({ client, table, wait }: PositionTable, keys: readonly string[]): Promise<Item[]> {
  const items: Item[] = [];
  let request = { Keys: keys.map(keyOf), ConsistentRead: true };
  for (let delay = 50; request.Keys.length > 0; delay = Math.min(2000, delay * 2)) {
    const { Responses, UnprocessedKeys } = await client
      .send(new BatchGetItemCommand({ RequestItems: { [table]: request } }))
      .catch((error: unknown) => Promise.reject(checkpointError(error, table)));
    const rows = Responses?.[table] ?? [];
    for (const row of rows) checkFormat(row, table);
    items.push(...rows);
    request = { ...request, Keys: (UnprocessedKeys?.[table]?.Keys ?? []) as typeof request.Keys };
    if (request.Keys.length > 0) await wait(delay);
  }
  return items;
}

/** A move of a queue's position. */
export interface Move {
  readonly key: string;
  /** What was loaded, or saved last; absent for a queue seen first. */
  readonly previous: Checkpoint | undefined;
  readonly next: Position;
}

/**
 * Moves a position from exactly where it was: no two runs can both move it, whatever the lease says.
 *
 * @returns what is saved now, or `undefined` where the row has been moved meanwhile or belongs to a later epoch
 * @throws {CheckpointError} when the table is missing, denied or does not answer
 */
export async function saveCheckpoint(
  { client, table }: PositionTable,
  { key, previous, next }: Move,
  epoch: number,
): Promise<Checkpoint | undefined> {
  const saved = { position: next, anchors: anchorsFor(next, previous?.position, previous?.anchors ?? []), epoch };
  const { condition, values } = unmoved(previous?.position);
  try {
    await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: keyOf(key),
        UpdateExpression:
          'SET #format = :format, kind = :kind, #position = :position, ordinal = :ordinal, #offset = :offset, digest = :digest, anchors = :anchors, epoch = :epoch',
        ConditionExpression: condition,
        ExpressionAttributeNames: { '#format': 'format', '#offset': 'offset', '#position': 'position' },
        ExpressionAttributeValues: { ...values, ...toValues(saved) },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return saved;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw checkpointError(error, table);
    const found = error.Item && toCheckpoint(error.Item);
    // The answer to the write that moved it was lost, and the client sent it again.
    return found?.epoch === epoch && samePosition(found.position, next) ? found : undefined;
  }
}

function unmoved(previous: Position | undefined): { condition: string; values: Item } {
  if (!previous) return { condition: 'attribute_not_exists(pk)', values: {} };
  return {
    condition: '#position = :previous AND ordinal = :previousOrdinal AND epoch <= :epoch',
    values: { ':previous': { S: previous.id }, ':previousOrdinal': numberValue(previous.ordinal) },
  };
}

function keyOf(key: string) {
  return { pk: { S: key }, sk: { S: 'position' } };
}

function toValues({ position, anchors, epoch }: Checkpoint): Item {
  return {
    ':format': FORMAT_VALUE,
    ':kind': { S: position.kind },
    ':position': { S: position.id },
    ':ordinal': numberValue(position.ordinal),
    ':offset': numberValue(position.offset),
    ':digest': { S: position.kind === 'entry' ? position.digest : '' },
    ':anchors': { L: anchors.map(({ id, ordinal = '', digest }) => ({ S: `${id} ${ordinal} ${digest}` })) },
    ':epoch': { N: `${epoch}` },
  };
}

function numberValue(value: number | undefined): AttributeValue {
  return value === undefined ? { NULL: true } : { N: `${value}` };
}

function toCheckpoint(item: Item): Checkpoint {
  return {
    position: toPosition(item),
    anchors: (item['anchors']?.L ?? []).map(({ S }) => {
      const [id = '', ordinal, digest = ''] = (S ?? '').split(' ');
      return { kind: 'entry', id, ...(ordinal && { ordinal: Number(ordinal) }), digest };
    }),
    epoch: Number(item['epoch']?.N ?? 0),
  };
}

/** A row without a kind is one of an earlier version, in which a position without a digest was at no entry. */
function toPosition(item: Item): Position {
  const [id = ZERO_ID, digest, kind] = ['position', 'digest', 'kind'].map((name) => item[name]?.S);
  const [ordinal, offset] = ['ordinal', 'offset'].map((name) => item[name]?.N);
  const counts = {
    ...(ordinal !== undefined && { ordinal: Number(ordinal) }),
    ...(offset !== undefined && { offset: Number(offset) }),
  };
  if (digest) return { kind: 'entry', id, ...counts, digest };
  // Of a stream that has received nothing, no id is known.
  return { kind: kind === 'unread' ? 'unread' : 'gap', id: counts.ordinal === 0 ? ZERO_ID : id, ...counts };
}
