import { fileURLToPath } from 'node:url';
import { type Bench, completed, lifeOfJobs } from './bench.ts';
import { makeCertificate } from './certificate.ts';
import { type Drain, type DrainOptions, drain } from './drain.ts';
import { lambdaDollars } from './price.ts';
import { compared, median, type Row, toDigits, toMB } from './row.ts';

const BACKLOG = 100_000;
/** One call for each event takes so long that fewer must do; all figures are per event. */
const SHORT_BACKLOG = 10_000;
const ROUNDS = 3;
/** Milliseconds that PutEvents takes to answer within a region. */
const DELAY = 15;

const programFile = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Program extends DrainOptions {
  readonly name: string;
  readonly queue: string;
}

const BARE_LOOP: Program = { name: 'bare SDK loop', queue: 'backlog', file: programFile('bare-loop.ts') };
const BULLBRIDGE: Program = { name: 'bullbridge', queue: 'backlog' };
const WITH_SDK: Program = {
  name: "bullbridge with the SDK's client",
  queue: 'backlog',
  environment: { BULLBRIDGE_PUBLISHER: 'sdk' },
};
/** The first is what the others are measured against. */
const PROGRAMS: readonly Program[] = [
  BARE_LOOP,
  BULLBRIDGE,
  WITH_SDK,
  { name: '`QueueEvents`, in tens', queue: 'backlog', file: programFile('queue-events-tens.ts') },
  { name: '`QueueEvents`, one by one', queue: 'short-backlog', file: programFile('queue-events-singly.ts') },
];

/** The same entries, of which more or fewer are published. */
const FILTERS: readonly Program[] = [
  { name: 'all pass the filter', queue: 'jobs', environment: { BULLBRIDGE_EVENTS: '*' } },
  { name: 'a quarter passes', queue: 'jobs', environment: { BULLBRIDGE_EVENTS: 'completed' } },
];

/** What each program took; the rounds of all are interleaved, so that a busy moment of the machine meets all alike. */
async function measure(bench: Bench, programs: readonly Program[], options: DrainOptions) {
  const drains = programs.map(({ name }) => [name, [] as Drain[]] as const);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [i, { name, queue, ...program }] of programs.entries()) {
      bench.note(`round ${round + 1} of ${ROUNDS}: ${name}`);
      drains[i]?.[1].push(await drain(bench, queue, { ...program, ...options }));
    }
  }
  return drains;
}

const eventsPerSecond = (drains: readonly Drain[]) => median(drains.map(({ events, seconds }) => events / seconds));
/** CPU seconds of a hundred thousand events. */
const cpuOf = (drains: readonly Drain[]) => median(drains.map(({ events, cpu }) => (cpu / events) * 100_000));
const memoryOf = (drains: readonly Drain[]) => Math.max(...drains.map(({ maxMemory }) => maxMemory));

/** How fast a backlog is published, and what that takes. */
export async function* backlog(bench: Bench): AsyncGenerator<Row> {
  await bench.fill('backlog', BACKLOG, completed);
  await bench.fill('short-backlog', SHORT_BACKLOG, completed);
  const what = `a backlog of ${BACKLOG.toLocaleString('en')} events`;

  const fast = await measure(bench, PROGRAMS, {});
  yield* compared(`${what}, a bus that answers at once: events/s`, fast, eventsPerSecond);
  yield* compared('the same: CPU s per 100,000 events', fast, cpuOf);
  const [, ours] = fast[1] as (typeof fast)[number];
  const [singly, theirs] = fast.at(-1) as (typeof fast)[number];
  yield {
    what: `the same: CPU of bullbridge over ${singly}`,
    who: 'bullbridge',
    figure: '',
    ratio: cpuOf(ours) / cpuOf(theirs),
  };
  for (const [who, drains] of fast) yield { what: 'the same: peak memory', who, figure: toMB(memoryOf(drains)) };

  await bench.fill('jobs', BACKLOG, lifeOfJobs);
  const filtered = await measure(bench, FILTERS, {});
  yield* compared('bullbridge: CPU s per 100,000 entries, of four for each job', filtered, cpuOf);

  const slow = await measure(bench, PROGRAMS, { delay: DELAY });
  yield* compared(`${what}, a bus that takes ${DELAY} ms: events/s`, slow, eventsPerSecond);
  yield* compared('the same: CPU s per 100,000 events', slow, cpuOf);
  for (const [who, drains] of slow.slice(0, 3)) {
    const cpu = 10 * cpuOf(drains);
    const figure = `${toDigits(cpu)} CPU s, $${lambdaDollars(cpu).toFixed(4)}`;
    yield { what: 'the same: Lambda per million events, for which the bus takes $1.00', who, figure };
  }

  using certificate = makeCertificate();
  const secure = await measure(bench, [BARE_LOOP, BULLBRIDGE], { certificate });
  yield* compared(`${what}, over TLS: CPU s per 100,000 events`, secure, cpuOf);
  for (const [who, drains] of secure) yield { what: 'the same: peak memory', who, figure: toMB(memoryOf(drains)) };
  for (const queue of ['backlog', 'short-backlog', 'jobs']) await bench.admin.unlink(`${bench.prefix}:${queue}:events`);
}
