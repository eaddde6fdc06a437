import { hash } from 'node:crypto';
import type { Key } from './table.ts';

/** The most bytes of a key. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const MAX_PK = 2048;
const MAX_SK = 1024;
/** Bytes of a long text that are kept at the beginning of its key, for people who read the table. */
const READABLE = 200;

/** The Redis and prefix that rows belong to. */
export interface Source {
  readonly sourceName: string;
  readonly prefix: string;
}

/** @param id see `queueId` */
export function positionKey(id: string): Key {
  return { pk: fitKey(id, MAX_PK), sk: 'position' };
}

export function leaseKey(name: string): Key {
  return { pk: fitKey(name, MAX_PK), sk: 'lease' };
}

/** The partition of all gaps of a source: one query finds the open gaps of all queues. */
export function gapPartition({ sourceName, prefix }: Source): string {
  return fitKey(`${sourceName}/${prefix}/gaps`, MAX_PK);
}

/** The key of a gap. The gaps of a queue are in the order of their ids, even if its name is too long for a key. */
export function gapKey(source: Source, queue: string, afterId: string): Key {
  const end = `/${afterId}`;
  return { pk: gapPartition(source), sk: `${fitKey(queue, MAX_SK - Buffer.byteLength(end))}${end}` };
}

export function firstRunKey({ sourceName, prefix }: Source): Key {
  return { pk: fitKey(`${sourceName}/${prefix}`, MAX_PK), sk: 'start' };
}

/** A text as a key or as a part of a key; a text that is too long becomes its beginning and its hash. */
function fitKey(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  // Whole characters only.
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(READABLE));
  return `${text.slice(0, read)}~${hash('sha256', text, 'base64url')}`;
}
