import { cpus, release, totalmem } from 'node:os';
import { type Bench, type CreateProgram, completed, lifeOfJobs } from '../bench.ts';
import { drain } from '../drain.ts';
import { MAX_LEN } from '../jobs.ts';
import { addLargeEntries } from '../memory.ts';
import { MB_OF_ONE_VCPU } from '../price.ts';
import { median, type Row, toDigits, toMB } from '../row.ts';
import { forwardOnSchedule } from '../scheduled.ts';
import { startSink } from '../sink.ts';
import { createControlGroup } from './control-group.ts';
import { OUT_OF_MEMORY, startLimitedFunction } from './limited-function.ts';

/** MB of memory of a function. */
const SIZES = [256, 512, 1024, MB_OF_ONE_VCPU] as const;
const BACKLOG = 100_000;
/** Jobs a second, tried one after the other until some are lost. */
const RATES = [250, 500, 1000, 1500, 2000, 3000, 4000];
/** Seconds from one run to the next, and the number of runs that start while jobs arrive. */
const [INTERVAL, RUNS] = [8, 5];
/**
 * The first run of all finds entries that came before it. The second is that of a new process, too, and takes over from
 * one that listens. From the fourth on, processes are warm: each of the two has used about a second of a processor, even
 * at 256 MB.
 */
const [TAKE_OVER, WARM] = [1, 3];
/** The number of first runs; the figure is their median. */
const ROUNDS = 5;
/** Milliseconds until PutEvents answers within a region. */
const DELAY = 15;

/** Measures the function with the processor share and the memory of Lambda's sizes. */
export async function* lambda(bench: Bench): AsyncGenerator<Row> {
  const what = "the function in control groups of Lambda's size";
  try {
    await using group = await createControlGroup(SIZES[0] * 2 ** 20);
    yield { what, who: machine(bench, group.version), figure: '' };
  } catch (error) {
    const who = `needs control groups of Linux that it may write, as root may: ${(error as Error).message}`;
    yield { what, who, figure: 'not measured' };
    return;
  }
  yield* backlogs(bench);
  yield* firstRuns(bench);
  yield* sustainedRates(bench);
  yield* largeEntries(bench);
}

function machine({ where }: Bench, version: number): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model.trim()}, ${memory} GB, Linux ${release()}, control groups ${version}; ${where}`;
}

const nameOf = (size: number) => `${size.toLocaleString('en')} MB, ${toDigits(size / MB_OF_ONE_VCPU)} of a processor`;

const limitedTo =
  (size: number): CreateProgram =>
  (options) =>
    startLimitedFunction(options, size);

/** The speed of working off a backlog, with all entries forwarded and with a quarter of them. */
async function* backlogs(bench: Bench): AsyncGenerator<Row> {
  const ways = [
    ['of which all pass the filter: events/s', '*'],
    ['of which a quarter passes the filter: entries/s', 'completed'],
  ] as const;
  await bench.fill('jobs', BACKLOG, lifeOfJobs);
  for (const [way, events] of ways) {
    const what = `a backlog of ${BACKLOG.toLocaleString('en')} entries, ${way}, a bus that takes ${DELAY} ms`;
    for (const size of SIZES) {
      bench.note(`${nameOf(size)}: ${way}`);
      const environment = { BULLBRIDGE_EVENTS: events };
      const { seconds } = await drain(bench, 'jobs', { delay: DELAY, environment, create: limitedTo(size) });
      yield { what, who: nameOf(size), figure: toDigits(BACKLOG / seconds) };
    }
  }
  await bench.admin.unlink(`${bench.prefix}:jobs:events`);
}

/** The time of the first run of a process, with one event, and of the init phase before it. */
async function* firstRuns(bench: Bench): AsyncGenerator<Row> {
  await bench.fill('cold', 1, completed);
  await using sink = await startSink({ delay: DELAY });
  for (const size of SIZES) {
    bench.note(`${nameOf(size)}: first runs`);
    const inits: number[] = [];
    const runs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const options = await bench.prepare({ url: sink.url, queues: 'cold' });
      await using forward = await startLimitedFunction(options, size);
      const begun = performance.now();
      await forward.invoke();
      runs.push(performance.now() - begun);
      inits.push(forward.init);
    }
    const what = 'the init phase, which has a whole processor, and the first run after it, with one event: ms';
    yield { what, who: nameOf(size), figure: [inits, runs].map((all) => toDigits(median(all))).join(', ') };
  }
  await bench.admin.unlink(`${bench.prefix}:cold:events`);
}

/**
 * The jobs per second that are forwarded without loss.
 *
 * Losses at the beginning are counted separately: a new process is slow until its code is compiled.
 */
async function* sustainedRates(bench: Bench): AsyncGenerator<Row> {
  const from = 'from the first run of all on, from a new process on that takes over, with warm processes';
  const what = `jobs/s without loss, \`auto\`, with what BullMQ keeps by default: ${from}`;
  const schedule = { tail: 'auto', interval: INTERVAL, runs: RUNS, maxLen: MAX_LEN, delay: DELAY } as const;
  const beginnings = [0, TAKE_OVER, WARM];
  let rates = RATES;
  for (const size of SIZES) {
    const sustained = new Map<number, number>();
    const lossless = new Set(beginnings);
    for (const perSecond of rates) {
      bench.note(`${nameOf(size)}: ${perSecond.toLocaleString('en')} jobs/s`);
      const { since } = await forwardOnSchedule(bench, { ...schedule, perSecond, create: limitedTo(size) });
      for (const run of lossless) {
        if (since(run).lost > 0) lossless.delete(run);
        else sustained.set(run, perSecond);
      }
      if (!lossless.has(WARM)) break;
    }
    const least = `fewer than ${rates[0]?.toLocaleString('en')}`;
    const figure = beginnings.map((run) => sustained.get(run)?.toLocaleString('en') ?? least).join(', ');
    yield { what, who: nameOf(size), figure };
    // A larger size sustains at least the same rate.
    rates = rates.filter((rate) => rate >= (sustained.get(0) ?? 0));
  }
}

/** The peak memory of a run, and whether it is killed at the limit. */
async function* largeEntries(bench: Bench): AsyncGenerator<Row> {
  const what = 'peak memory with 200 entries of 3 MB in a row, as the limit counts it';
  await using large = await addLargeEntries(bench, 'a text');
  for (const size of SIZES) {
    bench.note(`${nameOf(size)}: large entries`);
    let figure: string;
    try {
      const { maxMemory } = await drain(bench, large.queue, { create: limitedTo(size) });
      figure = `${toMB(maxMemory)}, not killed`;
    } catch (error) {
      if ((error as Error).name !== OUT_OF_MEMORY) throw error;
      figure = (error as Error).message;
    }
    yield { what, who: nameOf(size), figure };
  }
}
