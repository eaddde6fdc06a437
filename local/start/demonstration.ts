import { claimPrefix } from '../own-prefix.ts';
import { startRedis, withoutPassword } from '../redis.ts';
import { EVENTS } from './event-line.ts';
import { forwardAll, startForwarding } from './forwarding.ts';
import type { Interrupt } from './interrupt.ts';
import type { DemonstrationOptions } from './options.ts';
import { countWritten } from './stream-counts.ts';
import { faultsOf, summarize } from './summary.ts';
import type { Terminal } from './terminal.ts';
import { startWorkload } from './workload.ts';

const JOBS = 120;

/**
 * Runs jobs under a new prefix, forwards their events, and prints a summary.
 *
 * @returns whether every event has arrived
 */
export async function demonstrate(
  { watch, redisUrl }: DemonstrationOptions,
  terminal: Terminal,
  interrupt: Interrupt,
): Promise<boolean> {
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedis({ url: redisUrl }));
  terminal.line({ text: `Redis      ${redis.what} at ${withoutPassword(redis.url)}`, style: 'dim' });
  const prefix = await claimPrefix(redis.url);
  terminal.line({ text: `prefix     ${prefix.name}, whose keys are removed at the end`, style: 'dim' });
  const source = { redisUrl: redis.url, prefix: prefix.name, queues: '*' } as const;
  const forwarding = started.use(await startForwarding(source, terminal));

  const left = `Keys under ${prefix.name} may be left in Redis`;
  interrupt.endInOrder(() => redisUrl !== undefined && terminal.fault(`${left}.`));
  started.defer(() => prefix.remove().catch(({ message }: Error) => terminal.fault(`${left}: ${message}`)));
  const workload = started.use(startWorkload(redis.url, prefix));
  terminal.line();
  terminal.line(
    `A rule delivers ${EVENTS.join(', ')} of ${workload.queues.join(', ')}; the function runs each second:`,
  );
  terminal.line();

  let working = true;
  const work = workload.run(watch ? Number.POSITIVE_INFINITY : JOBS, interrupt.signal).finally(() => {
    working = false;
  });
  // A failure is thrown below, after the runs of the function.
  work.catch(() => {});
  const run = {
    isMore: () => working,
    progress: (published: string) => `${workload.finished()} of ${workload.added()} jobs finished · ${published}`,
    signal: interrupt.signal,
    isWhole: true,
    outlivesFailures: false,
  };
  const results = await forwardAll(forwarding, run, terminal);
  await work;

  const outcome = { source, forwarding, results, written: await countWritten(source), jobs: workload.added() };
  terminal.line();
  for (const line of await summarize(outcome)) terminal.line(line);
  const faults = faultsOf(outcome);
  for (const fault of faults) terminal.fault(fault);
  return faults.length === 0;
}
