import type { RedisConnection } from '../redis/port.ts';
import type { Cursor } from '../stream/read.ts';
import type { StreamReader } from '../stream/reader.ts';
import { readStates } from '../stream/states.ts';
import { countUnread } from '../stream/unread.ts';
import type { Arrivals } from './arrivals.ts';
import type { KeptBy } from './kept.ts';
import { missingQueues } from './missing.ts';
import type { Report } from './report.ts';
import { retentionUsed } from './retention.ts';
import type { Source } from './source.ts';

interface Run {
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** Where the queues were when the run began. */
  readonly cursors: readonly Cursor[];
  readonly reader: StreamReader;
  readonly source: Source;
  readonly arrivals: Arrivals;
  readonly keptBy: KeptBy;
}

/**
 * Reports the entries that are left, how full streams were, and which queues are missing.
 *
 * @throws {RedisError} when the connection fails, or why a queue could not be read
 */
export async function finish({ redis, prefix, cursors, reader, source, arrivals, keptBy }: Run, report: Report) {
  const unread = await countUnread((queues) => readStates(redis, queues, prefix), reader.due());
  report.backlog = [...unread.values()].reduce((sum, { entries }) => sum + entries, source.waiting());
  for (const [queue, { entries, exact }] of unread) if (exact) arrivals.addUnread(queue, entries);
  const arrived = new Map(arrivals.all());
  // Nothing of a queue seen first can be lost yet.
  for (const { queue, position } of cursors) if (position.kind === 'unread') arrived.delete(queue);
  // A forecast only: a run that forwarded everything has not failed for want of it.
  report.retentionUsed = await retentionUsed(keptBy, arrived).catch((error: Error) => {
    report.warnings.push(error.message);
    return undefined;
  });
  report.missing = await missingQueues(redis, reader.idle(), prefix);
  for (const queue of report.missing) {
    report.warnings.push(
      `There is no queue "${queue}" under the prefix "${prefix}": it has neither a stream nor settings. Check BULLBRIDGE_QUEUES and BULLBRIDGE_PREFIX; a new queue is forwarded from its first event on.`,
    );
  }
  for (const error of source.failures.values()) throw error;
}
