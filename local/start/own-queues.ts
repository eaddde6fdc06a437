import { startRedis, withoutPassword } from '../redis.ts';
import { EVENTS } from './event-line.ts';
import { forwardAll, startForwarding } from './forwarding.ts';
import type { Interrupt } from './interrupt.ts';
import type { OwnQueuesOptions } from './options.ts';
import { checkQueues } from './queue-check.ts';
import { countWritten } from './stream-counts.ts';
import { summarize } from './summary.ts';
import type { Terminal } from './terminal.ts';

/**
 * Forwards the events of the queues of the user, and prints a summary; their Redis is only read.
 *
 * @returns `false` if there is no queue to forward
 */
export async function forwardOwnQueues(
  source: OwnQueuesOptions,
  terminal: Terminal,
  interrupt: Interrupt,
): Promise<boolean> {
  const { redisUrl, prefix, queues, watch } = source;
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedis({ url: redisUrl }));
  terminal.line({ text: `Redis      ${redis.what} at ${withoutPassword(redisUrl)}`, style: 'dim' });
  const { isAnyThere, remark } = await checkQueues(redisUrl, prefix, queues);
  if (remark !== undefined) terminal.fault(remark);
  if (!isAnyThere && !watch) return false;
  const forwarding = started.use(await startForwarding(source, terminal));

  interrupt.endInOrder(() => {});
  const names = queues === '*' ? `all queues under ${prefix}` : queues.join(', ');
  terminal.line();
  terminal.line(`A rule delivers ${EVENTS.join(', ')} of ${names}; the function runs each second:`);
  terminal.line();
  const run = {
    isMore: () => watch && !interrupt.signal.aborted,
    progress: (published: string) => published,
    signal: interrupt.signal,
    isWhole: false,
    outlivesFailures: watch,
  };
  const results = await forwardAll(forwarding, run, terminal);

  terminal.line();
  const outcome = { source, forwarding, results, written: await countWritten(source) };
  for (const line of await summarize(outcome)) terminal.line(line);
  return true;
}
