import type { Key } from './table.ts';

/** The Redis and prefix that rows belong to. */
export interface Source {
  readonly sourceName: string;
  readonly prefix: string;
}

/** @param id see `queueId` */
export function positionKey(id: string): Key {
  return { pk: id, sk: 'position' };
}

/** All gaps of a source share a partition, so that one query finds the open ones, whatever the number of queues. */
export function gapPartition({ sourceName, prefix }: Source): string {
  return `${sourceName}/${prefix}/gaps`;
}

export function gapKey(source: Source, queue: string, afterId: string): Key {
  return { pk: gapPartition(source), sk: `${queue}/${afterId}` };
}

export function firstRunKey({ sourceName, prefix }: Source): Key {
  return { pk: `${sourceName}/${prefix}`, sk: 'start' };
}
