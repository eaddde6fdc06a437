import type { Bench } from './bench.ts';
import { MAX_LEN } from './jobs.ts';
import type { Row } from './row.ts';
import { forwardOnSchedule } from './scheduled.ts';

const INTERVAL = 10;
const RUNS = 3;
const PER_SECOND = 50;

/** From an event to its subscriber, with the hand-overs from run to run. */
export async function* latency(bench: Bench): AsyncGenerator<Row> {
  const what = `from an event to its subscriber, ${PER_SECOND} a second: p50, p99`;
  for (const [tail, who] of [
    ['always', `listening, a run each ${INTERVAL} s`],
    ['never', `polling each ${INTERVAL} s: half of the interval, and all of it`],
  ] as const) {
    bench.note(who);
    const options = { tail, interval: INTERVAL, runs: RUNS, perSecond: PER_SECOND, maxLen: MAX_LEN };
    const { latency } = await forwardOnSchedule(bench, options);
    yield { what, who, figure: [0.5, 0.99].map((quantile) => `${latency(quantile)} ms`).join(', ') };
  }
}
