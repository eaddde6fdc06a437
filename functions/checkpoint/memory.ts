import type { Lease } from './lease.ts';
import type { Checkpoint } from './positions.ts';

/** A lease in one epoch. */
type Turn = Pick<Lease, 'key' | 'epoch'>;

/** The state that a run keeps for the next run of its container. */
interface Memory {
  /** Checkpoints by their keys; `undefined` for a queue without a checkpoint. */
  readonly checkpoints: ReadonlyMap<string, Checkpoint | undefined>;
  /** Whether all queues of the source were known. */
  readonly isWhole: boolean;
  /** When all queues were last read, in milliseconds since the epoch. */
  readonly allReadAt: number;
}

/** Keeps the checkpoints of a container's runs in memory, so that the next run need not load them. */
export interface CheckpointMemory {
  /**
   * The state of the previous run, if no other run can have moved its positions.
   *
   * @param maxAge milliseconds since that run
   */
  recall(lease: Turn, maxAge: number): Memory | undefined;
  /** Keeps the state of a run that did not fail. */
  keep(lease: Turn, memory: Memory): void;
}

/**
 * Creates the memory of a container.
 *
 * The epoch grows by one each time the lease is taken. If it has grown by exactly one, no other run had the lease
 * meanwhile. Runs with another number of shards have other leases, so a state that is too old is not used. A state that
 * is recalled wrongly may cause duplicates, but never loses events, because positions move by compare-and-set.
 */
export function createCheckpointMemory(now: () => Date): CheckpointMemory {
  const runs = new Map<string, { readonly epoch: number; readonly at: number; readonly memory: Memory }>();
  return {
    recall({ key, epoch }, maxAge) {
      const run = runs.get(key);
      runs.delete(key);
      const isLast = run?.epoch === epoch - 1 && now().getTime() - run.at <= maxAge;
      return isLast ? run.memory : undefined;
    },
    keep({ key, epoch }, memory) {
      runs.set(key, { epoch, at: now().getTime(), memory });
    },
  };
}
