import { hash } from 'node:crypto';

/** One of several functions that share the queues between them. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** The queues of a shard: by a hash of the name, so that each queue has exactly one, whichever others there are. */
export function queuesOf(shard: Shard, queues: readonly string[]): string[] {
  return queues.filter((queue) => hash('sha1', queue, 'buffer').readUInt32BE() % shard.count === shard.index);
}
