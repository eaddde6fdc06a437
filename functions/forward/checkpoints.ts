import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import pMap from 'p-map';
import { firstRunOf } from '../checkpoint/first-run.ts';
import { openGap } from '../checkpoint/ledger.ts';
import type { CheckpointMemory } from '../checkpoint/memory.ts';
import { type Checkpoint, loadCheckpoints, saveCheckpoint } from '../checkpoint/positions.ts';
import { SupersededError } from '../checkpoint/superseded.ts';
import type { HeldLease } from '../checkpoint/with-lease.ts';
import { queueId } from '../event/envelope.ts';
import { mentionsNow, placeOf, type StartFrom } from '../start-from.ts';
import type { Position } from '../stream/position.ts';
import type { Cursor } from '../stream/read.ts';
import type { QueueLoss } from './sweep.ts';

/** The saved positions of a run's queues. */
export interface QueueCheckpoints {
  /** Where each queue was when the run began. */
  readonly cursors: readonly Cursor[];
  /**
   * Writes down what was lost, which must come before it is told and before positions pass it.
   *
   * @throws {SupersededError} where another run has taken the lease
   */
  writeLosses(losses: readonly QueueLoss[], detectedAt: Date): Promise<void>;
  /** Moves the positions of queues. @throws {SupersededError} where another run has moved one */
  save(positions: ReadonlyMap<string, Position>): Promise<void>;
  /** Keeps them for the next run, at the end of one that did not fail. */
  keep(): void;
}

interface Table {
  readonly dynamodb: DynamoDBClient;
  readonly table: string;
  readonly now: () => Date;
  readonly wait: (milliseconds: number) => Promise<unknown>;
  readonly checkpoints: CheckpointMemory;
}

interface Settings {
  readonly sourceName: string;
  readonly prefix: string;
  readonly startFrom: StartFrom;
  /** Milliseconds from one run to the next. */
  readonly interval: number;
}

const MAX_CONCURRENCY = 16;

/** Loads the positions of the queues that a run has the lease for, as far as its container does not know them. */
export async function openCheckpoints(
  { dynamodb: client, table, now, wait, checkpoints: memory }: Table,
  { sourceName, prefix, startFrom, interval }: Settings,
  lease: HeldLease,
  queues: readonly string[],
): Promise<QueueCheckpoints> {
  const positions = { client, table, now, wait };
  const keyOf = (queue: string) => queueId({ sourceName, prefix, queue });
  const known = memory.recall(lease, 2 * interval);
  const unknown = queues.map(keyOf).filter((key) => !known.has(key));
  const [loaded, firstRun] = await Promise.all([
    loadCheckpoints(positions, unknown),
    // Also where each of these queues has a position: the next one to appear is older than the run that finds it.
    mentionsNow(startFrom) ? firstRunOf({ client, table, now }, { sourceName, prefix }) : undefined,
  ]);
  await lease.liftAbove(Math.max(0, ...[...loaded.values()].map(({ epoch }) => epoch)));
  const checkpoints = new Map<string, Checkpoint | undefined>();
  for (const key of queues.map(keyOf)) checkpoints.set(key, known.get(key) ?? loaded.get(key));
  return {
    cursors: queues.map((queue) => {
      const { position, anchors = [] } = checkpoints.get(keyOf(queue)) ?? {};
      return { queue, position, anchors, since: placeOf(startFrom, queue) === 'now' ? firstRun : undefined };
    }),
    async writeLosses(losses, detectedAt) {
      const ledger = { client, table, sourceName, prefix };
      const gaps = losses.map((loss) => ({ ...loss, detectedAt: detectedAt.getTime() }));
      // Whoever lost the lease has read on from where others have been since: what it misses may have been forwarded.
      if (gaps.length > 0) await lease.confirm();
      await pMap(gaps, (gap) => openGap(ledger, gap), { concurrency: MAX_CONCURRENCY });
    },
    async save(moved) {
      const saveOne = async ([queue, next]: readonly [string, Position]) => {
        const key = keyOf(queue);
        const saved = await saveCheckpoint(positions, { key, previous: checkpoints.get(key), next }, lease.epoch);
        if (!saved) throw new SupersededError(`the position of queue "${queue}" was moved`);
        checkpoints.set(key, saved);
      };
      await pMap(moved, saveOne, { concurrency: MAX_CONCURRENCY });
    },
    keep: () => memory.keep(lease, checkpoints),
  };
}
