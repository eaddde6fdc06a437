import type { RedisConnection } from '../redis/port.ts';
import type { Cursor } from '../stream/read.ts';
import type { StreamReader } from '../stream/reader.ts';
import { readStates } from '../stream/states.ts';
import { countUnread } from '../stream/unread.ts';
import type { Arrivals } from './arrivals.ts';
import { missingQueues } from './missing.ts';
import type { Report } from './report.ts';
import { retentionUsed } from './retention.ts';
import type { Source } from './source.ts';
import type { CapacitiesOf } from './stream-capacity.ts';

interface Run {
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** The positions of the queues at the beginning of the run. */
  readonly cursors: readonly Cursor[];
  readonly reader: StreamReader;
  readonly source: Source;
  readonly arrivals: Arrivals;
  readonly capacitiesOf: CapacitiesOf;
}

/**
 * Adds the backlog, the retention used and the missing queues to the report.
 *
 * @throws {RedisError} when the connection fails, or if a queue could not be read
 */
export async function finish({ redis, prefix, cursors, reader, source, arrivals, capacitiesOf }: Run, report: Report) {
  const unread = await countUnread((queues) => readStates(redis, queues, prefix), reader.due());
  report.backlog = [...unread.values()].reduce((sum, { entries }) => sum + entries, source.waiting());
  for (const [queue, { entries, exact }] of unread) if (exact) arrivals.addUnread(queue, entries);
  const arrived = new Map(arrivals.all());
  // A queue without a saved position cannot have lost entries yet.
  for (const { queue, position } of cursors) if (position.kind === 'unread') arrived.delete(queue);
  // Only a forecast: without it, a run that forwarded everything has not failed.
  report.retentionUsed = await retentionUsed(capacitiesOf, arrived).catch((error: Error) => {
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
