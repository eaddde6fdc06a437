import pMap from 'p-map';
import { openGap } from '../checkpoint/ledger.ts';
import type { CheckpointMemory } from '../checkpoint/memory.ts';
import { type Checkpoint, loadCheckpoints, MAX_CONCURRENCY, saveCheckpoint } from '../checkpoint/positions.ts';
import { SupersededError } from '../checkpoint/superseded.ts';
import type { TableClient } from '../checkpoint/table.ts';
import type { HeldLease } from '../checkpoint/with-lease.ts';
import { queueId } from '../event/envelope.ts';
import type { StartFrom } from '../start-from.ts';
import type { Discovery } from '../stream/discovery.ts';
import { compareIds } from '../stream/id.ts';
import { beginning, type Position } from '../stream/position.ts';
import type { Cursor } from '../stream/read.ts';
import { type FirstPositions, saveFirstPositions, saveSource } from './first-positions.ts';
import type { QueueLoss } from './outgoing.ts';
import { queuesOf, type Shard } from './shard.ts';

/** The saved positions of the queues of a run. */
export interface QueueCheckpoints {
  /** The position of each queue of the shard at the beginning of the run. */
  readonly cursors: readonly Cursor[];
  /** When all queues were last read, in milliseconds since the epoch; absent if this container does not know. */
  readonly allReadAt: number | undefined;
  /**
   * Writes losses to the ledger, before they are published and before positions move past them.
   *
   * @throws {SupersededError} if another run has taken the lease
   */
  writeLosses(losses: readonly QueueLoss[], detectedAt: Date): Promise<void>;
  /** Moves the positions of queues. @throws {SupersededError} if a later run has moved one of them */
  save(positions: ReadonlyMap<string, Position>): Promise<void>;
  /** Keeps the positions in memory for the next run, after a run that did not fail. */
  keep(allReadAt: number): void;
}

interface Table {
  readonly dynamodb: TableClient;
  readonly table: string;
  readonly now: () => Date;
  readonly wait: (milliseconds: number) => Promise<unknown>;
  readonly checkpoints: CheckpointMemory;
}

interface Settings {
  readonly sourceName: string;
  readonly prefix: string;
  readonly startFrom: StartFrom;
  /** The names of the queues, or `*` for all queues that are found. */
  readonly queues: '*' | readonly string[];
  /** Milliseconds from one run to the next. */
  readonly interval: number;
}

/** Loads the positions of the queues of a leased shard, except those that the container still knows. */
export async function openCheckpoints(
  { dynamodb: client, table, now, wait, checkpoints: memory }: Table,
  { sourceName, prefix, startFrom, queues: configured, interval }: Settings,
  lease: HeldLease,
  shard: Shard,
  known: Discovery,
  statesOf: FirstPositions['statesOf'],
): Promise<QueueCheckpoints> {
  const rows = { client, table, now, wait };
  const first = { table: rows, sourceName, prefix, startFrom, statesOf };
  const keyOf = (queue: string) => queueId({ sourceName, prefix, queue });
  const recalled = memory.recall(lease, 2 * interval);
  const queues = queuesOf(shard, known.queues);
  const unknown = queues.filter((queue) => !recalled?.checkpoints.has(keyOf(queue)));
  const loaded = await loadCheckpoints(rows, unknown.map(keyOf));
  const unseen = unknown.filter((queue) => !loaded.has(keyOf(queue)));
  const begin = async () => {
    if (configured !== '*') return saveFirstPositions(first, unseen);
    // The previous run has seen all queues, and there is no new queue.
    if (recalled?.isWhole && unseen.length === 0) return new Map<string, Checkpoint>();
    return saveSource(first, known.queues, known.isWhole);
  };
  const begun = await begin();
  await lease.liftAbove(Math.max(0, ...Array.from(loaded.values(), ({ epoch }) => epoch)));
  const vanished = new Set(known.vanished);
  const checkpoints = new Map<string, Checkpoint | undefined>();
  for (const queue of queues) {
    const key = keyOf(queue);
    checkpoints.set(key, recalled?.checkpoints.get(key) ?? loaded.get(key) ?? begun.get(queue));
  }

  /**
   * Moves a position from its last known value, or from a value that an earlier run saved late.
   *
   * Such a run lost the lease while its write waited for the table. If this run also ended, no run would read until the
   * next one starts. It ends only if the other run got further: a position never moves back, which would repeat entries.
   */
  async function move(key: string, next: Position): Promise<Checkpoint | undefined> {
    const previous = checkpoints.get(key);
    const saved = await saveCheckpoint(rows, { key, previous, next }, lease.epoch);
    if (saved) return saved;
    const found = (await loadCheckpoints(rows, [key])).get(key);
    if (!found || found.epoch >= lease.epoch || compareIds(found.position.id, next.id) > 0) return undefined;
    return saveCheckpoint(rows, { key, previous: found, next }, lease.epoch);
  }

  return {
    cursors: queues.map((queue) => {
      const { position = beginning(0), anchors = [] } = checkpoints.get(keyOf(queue)) ?? {};
      const isKnown = recalled?.checkpoints.has(keyOf(queue)) && !vanished.has(queue);
      return { queue, position, anchors, isKnown, isDoubtful: lease.isDoubtful };
    }),
    allReadAt: recalled?.allReadAt,
    async writeLosses(losses, detectedAt) {
      const ledger = { client, table, sourceName, prefix };
      const gaps = losses.map((loss) => ({ ...loss, detectedAt: detectedAt.getTime() }));
      // A run that lost the lease reads behind other runs: entries that it misses may have been forwarded by them.
      if (gaps.length > 0) await lease.confirm();
      await pMap(gaps, (gap) => openGap(ledger, gap), { concurrency: MAX_CONCURRENCY });
    },
    async save(moved) {
      const saveOne = async ([queue, next]: readonly [string, Position]) => {
        const key = keyOf(queue);
        const saved = await move(key, next);
        if (!saved) throw new SupersededError(`the position of queue "${queue}" was moved`);
        checkpoints.set(key, saved);
      };
      await pMap(moved, saveOne, { concurrency: MAX_CONCURRENCY });
    },
    keep: (allReadAt) => memory.keep(lease, { checkpoints, isWhole: known.isWhole, allReadAt }),
  };
}
