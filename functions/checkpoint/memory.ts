import type { Lease } from './lease.ts';
import type { Checkpoint } from './positions.ts';

/** One taking of a lease. */
type Turn = Pick<Lease, 'key' | 'epoch'>;

/** What a run leaves to the next one of its container. */
interface Memory {
  /** Checkpoints by their keys; `undefined` of a queue that has none. */
  readonly checkpoints: ReadonlyMap<string, Checkpoint | undefined>;
  /** Whether all queues of the source were known. */
  readonly isWhole: boolean;
  /** When all queues were read last, in milliseconds since the epoch. */
  readonly allReadAt: number;
}

/** What the runs of a container know of the checkpoints that they left, so that the next one need not load them. */
export interface CheckpointMemory {
  /**
   * What the run before left, where no other run can have moved it.
   *
   * @param maxAge milliseconds since that run
   */
  recall(lease: Turn, maxAge: number): Memory | undefined;
  /** Keeps what a run leaves that did not fail. */
  keep(lease: Turn, memory: Memory): void;
}

/**
 * Makes the memory of a container.
 *
 * Each taking of a lease counts its epoch up, so that one more than before means that nobody else had it meanwhile. Runs with
 * another number of shards have other leases: for their sake, what is too old is not used. Whatever is recalled wrongly may
 * cause duplicates, but never loses events, as positions move by compare-and-set.
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
