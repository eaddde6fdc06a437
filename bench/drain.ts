import { createFunction } from '../local/lambda/function.ts';
import type { Bench, CreateProgram } from './bench.ts';
import type { Certificate } from './certificate.ts';
import { startSink } from './sink.ts';

/** What it took to publish a backlog. */
export interface Drain {
  /** Also those that did not pass the filter. */
  readonly events: number;
  readonly seconds: number;
  /** Seconds of CPU. */
  readonly cpu: number;
  /** Bytes of memory at the most. */
  readonly maxMemory: number;
}

export interface DrainOptions {
  /** What to run. @default the built forwarder */
  readonly file?: string | undefined;
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Milliseconds that the bus takes to answer. @default 0 */
  readonly delay?: number | undefined;
  /** That of a bus which speaks TLS. */
  readonly certificate?: Certificate | undefined;
  /** @default {@link createFunction} */
  readonly create?: CreateProgram;
}

/** Publishes the stream of a queue by a program that is warm, as one that runs each minute is. */
export async function drain(bench: Bench, queue: string, options: DrainOptions = {}): Promise<Drain> {
  const { admin, prefix } = bench;
  const { file, certificate, create = createFunction } = options;
  await using sink = await startSink(options);
  const environment = { ...options.environment, ...(certificate && { NODE_EXTRA_CA_CERTS: certificate.cert }) };
  await using program = await create(await bench.prepare({ url: sink.url, queues: queue, file, environment }));
  const key = `${prefix}:${queue}:events`;
  await admin.rename(key, `${key}-aside`);
  await program.invoke();
  await admin.rename(`${key}-aside`, key);
  const { cpu } = program.usage;
  const started = performance.now();
  const { published, filtered = 0 } = await program.invoke();
  const seconds = (performance.now() - started) / 1000;
  const events = await admin.xlen(key);
  if (published + filtered !== events) throw new Error(`${published + filtered} of ${events} entries were read`);
  return { events, seconds, cpu: (program.usage.cpu - cpu) / 1000, maxMemory: program.usage.maxMemory };
}
