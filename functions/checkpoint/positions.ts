import { type AttributeValue, BatchGetItemCommand } from '@aws-sdk/client-dynamodb';
import pMap from 'p-map';
import { ZERO_ID } from '../stream/id.ts';
import { type AtEntry, type Position, samePosition } from '../stream/position.ts';
import { anchorsFor } from './anchors.ts';
import { all, type Condition, is, isAtMost } from './condition.ts';
import { positionKey } from './keys.ts';
import { type Row, toRow, type Value } from './row.ts';
import { type Clock, type Table, writeRow } from './table.ts';
import { checkpointError } from './table-error.ts';

interface ReadableTable extends Table {
  readonly wait: (milliseconds: number) => Promise<unknown>;
}

/** The saved state of a queue. */
export interface Checkpoint {
  readonly position: Position;
  /** Older positions, newest first; see {@link anchorsFor}. */
  readonly anchors: readonly AtEntry[];
  /** The epoch of the run that wrote it. */
  readonly epoch: number;
}

/** Keys of one BatchGetItem. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const MAX_BATCH = 100;
/** The most calls for rows at the same time. */
export const MAX_CONCURRENCY = 16;
/**
 * Seconds until the row of a queue without a stream expires: a year.
 *
 * Only a row whose current stream was not read yet may expire: without the row, reading begins at the same place.
 */
const KEPT = 365 * 24 * 3600;

/**
 * Loads the checkpoints of many queues; the map has no entry for a queue without a checkpoint.
 *
 * @throws {CheckpointError} when the table is missing, denied or does not answer, or has rows of a newer version
 */
export async function loadCheckpoints(table: ReadableTable, keys: readonly string[]): Promise<Map<string, Checkpoint>> {
  const batches: string[][] = [];
  for (let i = 0; i < keys.length; i += MAX_BATCH) batches.push(keys.slice(i, i + MAX_BATCH));
  const rows = await pMap(batches, (batch) => loadBatch(table, batch), { concurrency: MAX_CONCURRENCY });
  const keyOf = new Map(keys.map((key) => [positionKey(key).pk as Value, key]));
  const saved = rows.flat().filter((row) => row['position'] !== undefined);
  return new Map(saved.map((row) => [keyOf.get(row['pk']) as string, toCheckpoint(row)]));
}

async function loadBatch({ client, table, wait }: ReadableTable, keys: readonly string[]): Promise<Row[]> {
  const rows: Row[] = [];
  let request: { Keys: Record<string, AttributeValue>[]; ConsistentRead: true } = {
    Keys: keys.map(positionKey).map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } })),
    ConsistentRead: true,
  };
  for (let delay = 50; request.Keys.length > 0; delay = Math.min(2000, delay * 2)) {
    const { Responses, UnprocessedKeys } = await client
      .send(new BatchGetItemCommand({ RequestItems: { [table]: request } }))
      .catch((error: unknown) => Promise.reject(checkpointError(error, table)));
    rows.push(...(Responses?.[table] ?? []).map((item) => toRow(item, table)));
    request = { ...request, Keys: UnprocessedKeys?.[table]?.Keys ?? [] };
    if (request.Keys.length > 0) await wait(delay);
  }
  return rows;
}

/** A move of the position of a queue. */
export interface Move {
  readonly key: string;
  /** The checkpoint that was last loaded or saved; absent for a queue without a checkpoint. */
  readonly previous: Checkpoint | undefined;
  readonly next: Position;
}

/**
 * Moves a position by compare-and-set: two runs can never both move it, whoever has the lease.
 *
 * @returns the saved checkpoint, or `undefined` if another run has moved the position or the row has a later epoch
 * @throws {CheckpointError} when the table is missing, denied or does not answer
 */
export async function saveCheckpoint(
  table: Table & Clock,
  { key, previous, next }: Move,
  epoch: number,
): Promise<Checkpoint | undefined> {
  const saved = { position: next, anchors: anchorsFor(next, previous?.position, previous?.anchors ?? []), epoch };
  const rowKey = positionKey(key);
  const expires = next.ordinal === 0;
  const outcome = await writeRow(table, rowKey, {
    set: {
      ...toValues(saved),
      ...(rowKey.pk !== key && { queueId: key }),
      ...(expires && { ttl: Math.floor(table.now().getTime() / 1000) + KEPT }),
    },
    remove: expires ? [] : ['ttl'],
    condition: isUnmoved(previous?.position, epoch),
  });
  if ('written' in outcome) return saved;
  const found = outcome.refused && toCheckpoint(outcome.refused);
  // The answer to the write that moved the position may have been lost, so that the write was sent again.
  return found?.epoch === epoch && samePosition(found.position, next) ? found : undefined;
}

function isUnmoved(previous: Position | undefined, epoch: number): Condition {
  if (!previous) return is('position', undefined);
  return all(is('position', previous.id), is('ordinal', previous.ordinal), isAtMost('epoch', epoch));
}

function toValues({ position, anchors, epoch }: Checkpoint) {
  const { kind, id, ordinal, offset, since } = position;
  return {
    kind,
    position: id,
    ordinal,
    offset,
    since,
    digest: position.kind === 'entry' ? position.digest : '',
    anchors: anchors.map((anchor) => `${anchor.id} ${anchor.ordinal ?? ''} ${anchor.digest}`),
    epoch,
  };
}

function toCheckpoint(row: Row): Checkpoint {
  return {
    position: toPosition(row),
    anchors: ((row['anchors'] ?? []) as string[]).map((anchor) => {
      const [id = '', ordinal, digest = ''] = anchor.split(' ');
      return { kind: 'entry', id, ...(ordinal && { ordinal: Number(ordinal) }), digest };
    }),
    epoch: Number(row['epoch'] ?? 0),
  };
}

/** Rows of earlier versions have no kind; in these rows, a position without a digest is not at an entry. */
function toPosition({ kind, position, ordinal, offset, since, digest }: Row): Position {
  const id = `${position ?? ZERO_ID}`;
  const counts = {
    ...(ordinal !== undefined && { ordinal: Number(ordinal) }),
    ...(offset !== undefined && { offset: Number(offset) }),
    ...(since !== undefined && { since: Number(since) }),
  };
  if (digest) return { kind: 'entry', id, ...counts, digest: `${digest}` };
  // A stream that never received an entry has no id.
  return { kind: kind === 'unread' ? 'unread' : 'gap', id: counts.ordinal === 0 ? ZERO_ID : id, ...counts };
}
