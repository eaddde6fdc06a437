import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleFile } from '../infra/build/bundle.ts';
import { createFunction } from '../local/lambda/function.ts';
import { type Bench, completed } from './bench.ts';
import { compared, median, type Row } from './row.ts';
import { startSink } from './sink.ts';

const ROUNDS = 11;
const EMPTY = fileURLToPath(new URL('empty.mjs', import.meta.url));

/** Milliseconds of a first invocation with one event. */
interface Start {
  /** From the start of the process to the first XRANGE that Redis sees, or to the end of one that does nothing. */
  readonly toWork: number;
  readonly cpu: number;
}

/** What the first invocation of a process takes. */
export async function* coldStart(bench: Bench): AsyncGenerator<Row> {
  await bench.fill('cold', 1, completed);
  const starts = [
    ['an empty function', () => startEmpty()],
    ['bullbridge', () => startForwarder(bench, {})],
    ["bullbridge with the SDK's client", () => startForwarder(bench, { BULLBRIDGE_PUBLISHER: 'sdk' })],
  ] as const;
  const all = starts.map(([name]) => [name, [] as Start[]] as const);
  for (let round = 0; round < ROUNDS; round += 1) {
    bench.note(`round ${round + 1} of ${ROUNDS}`);
    for (const [i, [, start]] of starts.entries()) all[i]?.[1].push(await start());
  }
  yield* compared('cold start, to the first XRANGE: ms', all, (each) => median(each.map(({ toWork }) => toWork)));
  yield* compared('the first run, with one event: CPU ms', all, (each) => median(each.map(({ cpu }) => cpu)));
  const { size } = await stat(bundleFile('forward'));
  yield { what: 'the bundle', who: 'bullbridge', figure: `${Math.round(size / 1000)} kB` };
  await bench.admin.unlink(`${bench.prefix}:cold:events`);
}

async function startForwarder(bench: Bench, environment: NodeJS.ProcessEnv): Promise<Start> {
  await using sink = await startSink();
  await using forward = await bench.startProgram({ url: sink.url, queues: 'cold', environment });
  const monitor = await bench.admin.monitor();
  try {
    const begun = performance.now();
    const reading = new Promise<number>((resolve) => {
      monitor.on('monitor', (_, [command]: string[]) => {
        if (command?.toLowerCase() === 'xrange') resolve(performance.now() - begun);
      });
    });
    const invocation = forward.invoke();
    const toWork = await Promise.race([reading, invocation.then(() => reading)]);
    await invocation;
    return { toWork, cpu: forward.usage.cpu };
  } finally {
    monitor.disconnect();
  }
}

async function startEmpty(): Promise<Start> {
  await using nothing = createFunction({ bundle: EMPTY, environment: {} });
  const begun = performance.now();
  await nothing.invoke();
  return { toWork: performance.now() - begun, cpu: nothing.usage.cpu };
}
