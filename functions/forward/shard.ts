import { hash } from 'node:crypto';

/** One of several parallel runs; each forwards its part of the queues. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** The queues of a shard. A hash of its name decides the shard of a queue, so it does not depend on other queues. */
export function queuesOf(shard: Shard, queues: readonly string[]): string[] {
  return queues.filter((queue) => hash('sha1', queue, 'buffer').readUInt32BE() % shard.count === shard.index);
}
