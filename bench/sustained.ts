import { setTimeout } from 'node:timers/promises';
import { QueueEvents } from 'bullmq';
import type { Bench } from './bench.ts';
import { MAX_LEN, startJobs } from './jobs.ts';
import { type Row, toDigits } from './row.ts';
import { forwardOnSchedule, type Heard } from './scheduled.ts';

const RATES = [40, 400, 4000];
/** A tenth of a minute. */
const INTERVAL = 6;
const RUNS = 5;
/** Seconds that a listener is away for its restart. */
const AWAY = 2;

type Way = (bench: Bench, perSecond: number) => Promise<Heard>;

/** What a poll loses depends on what is kept of an interval alone, so that a tenth of both is as both. */
const poll: Way = (bench, perSecond) =>
  forwardOnSchedule(bench, { tail: 'never', interval: INTERVAL, runs: RUNS, perSecond, maxLen: MAX_LEN / 10 });

const auto: Way = (bench, perSecond) =>
  forwardOnSchedule(bench, { tail: 'auto', interval: INTERVAL, runs: RUNS, perSecond, maxLen: MAX_LEN });

const listenAndRestart: Way = async (bench, perSecond) => {
  const { admin, prefix, redisUrl } = bench;
  const queue = `listener-${perSecond}`;
  const heard = new Set<number>();
  let first = Number.POSITIVE_INFINITY;
  const listen = async () => {
    const events = new QueueEvents(queue, { prefix, connection: { url: redisUrl, maxRetriesPerRequest: null } });
    events.on('completed', ({ jobId }) => {
      if (Number(jobId) >= first) heard.add(Number(jobId));
    });
    await events.waitUntilReady();
    return events;
  };
  const before = await listen();
  const jobs = await startJobs(bench, { queue, perSecond, maxLen: MAX_LEN });
  await setTimeout(1000);
  first = jobs.added;
  const half = (INTERVAL * RUNS * 1000) / 2;
  await setTimeout(half);
  await before.close();
  await setTimeout(AWAY * 1000);
  const after = await listen();
  await setTimeout(half - AWAY * 1000);
  await jobs.stop();
  // What is written is read within milliseconds.
  await setTimeout(1000);
  await after.close();
  await admin.unlink(`${prefix}:${queue}:events`);
  const added = jobs.added - first;
  return { added, lost: added - heard.size };
};

const WAYS: readonly (readonly [string, Way])[] = [
  [`bullbridge, a poll each ${INTERVAL} s of a stream that keeps a tenth: as one each minute`, poll],
  [`bullbridge, \`auto\`, a run each ${INTERVAL} s`, auto],
  [`\`QueueEvents\`, restarted once, ${AWAY} s away`, listenAndRestart],
];

/** How many of the jobs that complete at a steady rate are never heard of. */
export async function* sustained(bench: Bench): AsyncGenerator<Row> {
  for (const rate of RATES) {
    const what = `${rate.toLocaleString('en')} jobs/s for ${INTERVAL * RUNS} s, with what BullMQ keeps by default: lost`;
    for (const [who, way] of WAYS) {
      bench.note(`${rate.toLocaleString('en')} jobs/s: ${who}`);
      const { added, lost } = await way(bench, rate);
      const part = toDigits((100 * lost) / added);
      yield { what, who, figure: `${lost.toLocaleString('en')} of ${added.toLocaleString('en')} (${part} %)` };
    }
  }
}
