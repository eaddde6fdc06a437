import type { Bench } from './bench.ts';
import { type Drain, drain } from './drain.ts';
import { compared, median, type Row } from './row.ts';

const EVENTS = 10_000;
const ROUNDS = 5;

/** What is told of jobs, or left out. */
const WAYS: Readonly<Record<string, NodeJS.ProcessEnv>> = {
  'nothing of the job': {},
  'nothing of the job, `returnvalue.card` left out': { BULLBRIDGE_OMIT: 'returnvalue.card' },
  '`name+attemptsMade`': { BULLBRIDGE_JOB_FIELDS: 'name+attemptsMade' },
  '`trace`': { BULLBRIDGE_JOB_FIELDS: 'trace' },
  '`name+attemptsMade+opts.attempts+data.order.id`': {
    BULLBRIDGE_JOB_FIELDS: 'name+attemptsMade+opts.attempts+data.order.id',
  },
  '`data` (500 bytes)': { BULLBRIDGE_JOB_FIELDS: 'data' },
};

const OPTS = JSON.stringify({
  attempts: 3,
  backoff: { type: 'fixed', delay: 1000 },
  tm: JSON.stringify({ traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` }),
});
const TIMES = { timestamp: 1_795_398_834_833, delay: 0, priority: 0, atm: 1, ats: 1 };

/** What telling of jobs costs, each event of a job of its own. */
export async function* enrichment(bench: Bench): AsyncGenerator<Row> {
  const queue = 'enrichment';
  const keyOf = (id: number) => `${bench.prefix}:${queue}:${id}`;
  const ids = Array.from({ length: EVENTS }, (_, id) => id);
  const jobs = bench.admin.pipeline();
  for (const id of ids) {
    const data = JSON.stringify({ order: { id: `o-${id}`, lines: [1, 2, 3] }, text: 'x'.repeat(440) });
    jobs.hset(keyOf(id), { name: 'send', data, opts: OPTS, ...TIMES });
  }
  await jobs.exec();
  await bench.fill(queue, EVENTS, (id) => [
    ...['event', 'completed', 'jobId', id],
    ...['returnvalue', `{"ok":true,"card":{"n":${id}}}`, 'prev', 'active'],
  ]);
  const drains = new Map<string, Drain[]>(Object.keys(WAYS).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    bench.note(`round ${round + 1} of ${ROUNDS}`);
    for (const [name, environment] of Object.entries(WAYS))
      drains.get(name)?.push(await drain(bench, queue, { environment }));
  }
  await bench.admin.unlink(`${bench.prefix}:${queue}:events`, ...ids.map(keyOf));
  const what = 'what events carry of their jobs: CPU ms for 1,000 events';
  yield* compared(what, [...drains], (all) => (median(all.map(({ cpu }) => cpu)) * 1e6) / EVENTS);
}
