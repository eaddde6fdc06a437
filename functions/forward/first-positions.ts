import pMap from 'p-map';
import type { WaitingTable } from '../checkpoint/await-lease.ts';
import { markSeenWhole, seenWholeAt } from '../checkpoint/first-run.ts';
import { type Checkpoint, loadCheckpoints, MAX_CONCURRENCY, saveCheckpoint } from '../checkpoint/positions.ts';
import { queueId } from '../event/envelope.ts';
import { type StartFrom, startPointOf } from '../start-from.ts';
import { firstPosition } from '../stream/first-position.ts';
import type { State } from '../stream/states.ts';

export interface FirstPositions {
  readonly table: WaitingTable;
  readonly sourceName: string;
  readonly prefix: string;
  readonly startFrom: StartFrom;
  /** Asks Redis for the states of streams, by queue. */
  readonly statesOf: (queues: readonly string[]) => Promise<ReadonlyMap<string, State>>;
}

/**
 * Saves the first positions of queues, so that every entry trimmed from now on is counted.
 *
 * Entries that were trimmed before do not count as lost. The last id of the stream decides which entries are old, not a
 * clock.
 * @returns the checkpoints by queue, saved by this run or meanwhile by another one
 * @throws {CheckpointError} when the table is missing, denied or does not answer
 */
export async function saveFirstPositions(
  { table, sourceName, prefix, startFrom, statesOf }: FirstPositions,
  queues: readonly string[],
): Promise<Map<string, Checkpoint>> {
  const keyOf = (queue: string) => queueId({ sourceName, prefix, queue });
  const states = await statesOf(queues);
  const save = async (queue: string): Promise<readonly [string, Checkpoint | undefined]> => {
    const next = firstPosition(states.get(queue) as State, startPointOf(startFrom, queue));
    const key = keyOf(queue);
    // With the lowest epoch: a run of another shard may continue from this position.
    const saved = await saveCheckpoint(table, { key, previous: undefined, next }, 0);
    return [queue, saved ?? (await loadCheckpoints(table, [key])).get(key)];
  };
  const saved = await pMap(queues, save, { concurrency: MAX_CONCURRENCY });
  return new Map(saved.flatMap(([queue, checkpoint]) => (checkpoint ? [[queue, checkpoint] as const] : [])));
}

/**
 * Saves the first position of every queue of a source, once all queues are known for the first time.
 *
 * Later, a queue without a checkpoint is a new queue and is read from its beginning, whatever `startFrom` says.
 * @param queues of all shards
 * @param isWhole whether these are all queues
 * @returns the checkpoints by queue; none if an earlier run has done this
 */
export async function saveSource(
  source: FirstPositions,
  queues: readonly string[],
  isWhole: boolean,
): Promise<Map<string, Checkpoint>> {
  const { table, sourceName, prefix } = source;
  if ((await seenWholeAt(table, source)) !== undefined) return new Map();
  const keyOf = (queue: string) => queueId({ sourceName, prefix, queue });
  const loaded = await loadCheckpoints(table, queues.map(keyOf));
  const saved = await saveFirstPositions(
    source,
    queues.filter((queue) => !loaded.has(keyOf(queue))),
  );
  if (isWhole) await markSeenWhole(table, source);
  return saved;
}
