import { loadCheckpoints } from '../../functions/checkpoint/positions.ts';
import { queueId } from '../../functions/event/envelope.ts';
import type { ForwardResult } from '../../functions/forward/handler.ts';
import { localClient } from '../dynamodb.ts';
import { DEAD_LETTERS } from '../stack.ts';
import { type Forwarding, SOURCE_NAME, type Source } from './forwarding.ts';

/** The counts of Redis, of the function and of the subscriber. */
export interface Outcome {
  readonly source: Source;
  readonly forwarding: Forwarding;
  readonly results: readonly ForwardResult[];
  /** Entries that were ever added, by queue. */
  readonly written: ReadonlyMap<string, number>;
  /** Jobs that were added. @default not in the summary */
  readonly jobs?: number;
}

/** The figures of a run, one on each line. */
export async function summarize(outcome: Outcome): Promise<string[]> {
  const { forwarding, results, jobs } = outcome;
  const { stack, arrivals } = forwarding;
  const { written, published, filtered, parked, lost } = totalsOf(outcome);
  const figures = {
    jobs,
    'events in Redis': written,
    published,
    filtered,
    parked: `${parked} (${stack.bus.messages(DEAD_LETTERS).length} in the dead-letter queue)`,
    lost,
    arrived: arrivals.distinct,
    duplicates: arrivals.duplicates,
    'event to subscriber': `p50 ${arrivals.latency(0.5) ?? '-'} ms, p99 ${arrivals.latency(0.99) ?? '-'} ms`,
    runs: results.length,
  };
  const rows = Object.entries(figures).filter(([, value]) => value !== undefined);
  return [...rows.map(([name, value]) => `${name.padEnd(20)} ${value}`), ...(await positionLines(outcome))];
}

/** The faults of a run; valid only if no other program writes to the streams or trims them. */
export function faultsOf(outcome: Outcome): string[] {
  const { written, published, filtered, parked, lost } = totalsOf(outcome);
  const { distinct } = outcome.forwarding.arrivals;
  const accounted = published + filtered + parked + lost;
  return [
    ...(lost > 0 ? [`${lost} events were lost.`] : []),
    ...(accounted < written ? [`Redis has ${written} events, but only ${accounted} are accounted for.`] : []),
    ...(distinct !== published ? [`${published} events were published, but ${distinct} arrived.`] : []),
  ];
}

function totalsOf({ results, written }: Outcome) {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const over = (name: 'published' | 'filtered' | 'parked' | 'lost') => sum(results.map((result) => result[name]));
  return {
    written: sum([...written.values()]),
    published: over('published'),
    filtered: over('filtered'),
    parked: over('parked'),
    lost: over('lost'),
  };
}

async function positionLines({ forwarding, source, written }: Outcome): Promise<string[]> {
  const keyOf = (queue: string) => queueId({ sourceName: SOURCE_NAME, prefix: source.prefix, queue });
  const { tableUrl, table: name } = forwarding.stack;
  const table = { client: localClient(tableUrl), table: name, wait: async () => {} };
  const checkpoints = await loadCheckpoints(table, [...written.keys()].map(keyOf));
  return [...written].map(([queue, entries]) => {
    const position = checkpoints.get(keyOf(queue))?.position;
    const place = position ? `${position.id}, entry ${position.ordinal ?? '?'} of ${entries}` : 'none: nothing to read';
    return `${`position of ${queue}`.padEnd(20)} ${place}`;
  });
}
