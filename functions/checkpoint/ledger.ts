import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Loss } from '../stream/position.ts';
import { checkFormat, FORMAT_VALUE } from './format.ts';
import { checkpointError } from './table-error.ts';

/** The rows of one source's gaps: those of one Redis and prefix. */
export interface Ledger {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly sourceName: string;
  readonly prefix: string;
}

/** A hole in the stream of a queue. */
export interface Gap extends Loss {
  readonly queue: string;
  /** When it was found, in milliseconds since the epoch. */
  readonly detectedAt: number;
}

/** A gap of which not everything has been recovered yet. */
export interface OpenGap extends Gap {
  /** Counts how often the gap was found with other bounds; what was worked out for one revision is void for the next. */
  readonly revision: number;
  /** What its recovery has done so far, as it was saved; absent before it began. */
  readonly progress?: string;
}

/** What became of a gap. */
export interface Recovery {
  readonly completed: number;
  readonly failed: number;
  /** Events that nothing in Redis tells of any more. */
  readonly unknown: number;
}

/** How long a closed gap is kept, in seconds. */
const KEPT = 30 * 24 * 3600;

type Item = Record<string, AttributeValue>;

/**
 * Writes a gap down, to be recovered.
 *
 * Its row is that of the queue and of the last entry before the gap: finding it again changes nothing, and finding that more
 * is gone by now opens it again with the new bounds.
 * @throws {CheckpointError} when the table is missing, denied or does not answer, or has rows of a newer version
 */
export async function openGap(ledger: Ledger, gap: Gap): Promise<void> {
  const { reason, lost, exact, afterId, beforeId, detectedAt } = gap;
  await update(ledger, gap, {
    UpdateExpression:
      'SET #format = :format, #queue = :queue, afterId = :afterId, beforeId = :beforeId, lost = :lost, exact = :exact, reason = :reason, detectedAt = :detectedAt, #state = :open ADD revision :one REMOVE progress, #ttl, completed, failed, #unknown',
    ConditionExpression:
      'attribute_not_exists(pk) OR (#format <= :format AND (lost <> :lost OR beforeId <> :beforeId))',
    ExpressionAttributeNames: {
      '#format': 'format',
      '#queue': 'queue',
      '#state': 'state',
      '#ttl': 'ttl',
      '#unknown': 'unknown',
    },
    ExpressionAttributeValues: {
      ':format': FORMAT_VALUE,
      ':queue': { S: gap.queue },
      ':afterId': { S: afterId },
      ':beforeId': beforeId === null ? { NULL: true } : { S: beforeId },
      ':lost': { N: `${lost}` },
      ':exact': { BOOL: exact },
      ':reason': { S: reason },
      ':detectedAt': { N: `${detectedAt}` },
      ':open': { S: 'open' },
      ':one': { N: '1' },
    },
  });
}

/**
 * The gaps that are still open, by queue, oldest first.
 *
 * @throws {CheckpointError} when the table is missing, denied or does not answer, or has rows of a newer version
 */
export async function* openGaps(ledger: Ledger): AsyncGenerator<OpenGap> {
  let from: Item | undefined;
  do {
    const page = await ledger.client
      .send(
        new QueryCommand({
          TableName: ledger.table,
          KeyConditionExpression: 'pk = :pk',
          FilterExpression: '#state = :open',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: { ':pk': { S: partition(ledger) }, ':open': { S: 'open' } },
          ConsistentRead: true,
          ExclusiveStartKey: from,
        }),
      )
      .catch((error: unknown) => Promise.reject(checkpointError(error, ledger.table)));
    for (const item of page.Items ?? []) {
      checkFormat(item, ledger.table);
      yield toGap(item);
    }
    from = page.LastEvaluatedKey;
  } while (from);
}

/** Saves what the recovery of a gap has done so far. @returns whether the gap is still open, with the same bounds */
export async function saveProgress(ledger: Ledger, gap: OpenGap, progress: string): Promise<boolean> {
  return update(ledger, gap, {
    UpdateExpression: 'SET progress = :progress',
    ConditionExpression: UNCHANGED,
    ExpressionAttributeNames: { '#state': 'state' },
    ExpressionAttributeValues: { ...unchanged(gap), ':progress': { S: progress } },
  });
}

/** Closes a gap; its row stays for a month. @returns whether the gap was still open, with the same bounds */
export async function closeGap(ledger: Ledger, gap: OpenGap, recovery: Recovery, now: number): Promise<boolean> {
  const { completed, failed, unknown } = recovery;
  return update(ledger, gap, {
    UpdateExpression:
      'SET #state = :closed, completed = :completed, failed = :failed, #unknown = :unknown, #ttl = :ttl REMOVE progress',
    ConditionExpression: UNCHANGED,
    ExpressionAttributeNames: { '#state': 'state', '#ttl': 'ttl', '#unknown': 'unknown' },
    ExpressionAttributeValues: {
      ...unchanged(gap),
      ':closed': { S: 'closed' },
      ':completed': { N: `${completed}` },
      ':failed': { N: `${failed}` },
      ':unknown': { N: `${unknown}` },
      ':ttl': { N: `${Math.floor(now / 1000) + KEPT}` },
    },
  });
}

const UNCHANGED = '#state = :open AND revision = :revision';

function unchanged({ revision }: OpenGap): Item {
  return { ':open': { S: 'open' }, ':revision': { N: `${revision}` } };
}

/** Changes the row of a gap where the condition holds; says whether it did. */
async function update(
  ledger: Ledger,
  { queue, afterId }: Gap,
  change: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
): Promise<boolean> {
  const { client, table } = ledger;
  const Key = { pk: { S: partition(ledger) }, sk: { S: `${queue}/${afterId}` } };
  try {
    await client.send(
      new UpdateItemCommand({ TableName: table, Key, ...change, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
    );
    return true;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw checkpointError(error, table);
    if (error.Item) checkFormat(error.Item, table);
    return false;
  }
}

/** All gaps of a source are in one partition, so that the open ones can be asked for whatever the number of queues. */
function partition({ sourceName, prefix }: Ledger): string {
  return `${sourceName}/${prefix}/gaps`;
}

function toGap(item: Item): OpenGap {
  const progress = item['progress']?.S;
  return {
    queue: item['queue']?.S ?? '',
    reason: item['reason']?.S as Gap['reason'],
    lost: Number(item['lost']?.N),
    exact: item['exact']?.BOOL === true,
    afterId: item['afterId']?.S ?? '',
    beforeId: item['beforeId']?.S ?? null,
    detectedAt: Number(item['detectedAt']?.N),
    revision: Number(item['revision']?.N),
    ...(progress !== undefined && { progress }),
  };
}
