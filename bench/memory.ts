import { type Bench, completed } from './bench.ts';
import { drain } from './drain.ts';
import { type Row, toMB } from './row.ts';

/** Entries of some 100 bytes. */
const COUNTS = [10_000, 10_000_000];
/** Small entries before and after the large ones, and how many of these there are in a row. */
const [SMALL, LARGE] = [20_000, 200];

/** Values of 3 MB: a text, and many small objects. */
const TEXT = JSON.stringify('x'.repeat(3_000_000));
const OBJECTS = JSON.stringify(
  Array.from({ length: 60_000 }, (_, n) => ({ id: n, name: `item ${n}`, tags: ['a', 'b'] })),
);
const LARGE_ENTRIES = {
  'a text': ['event', 'completed', 'returnvalue', TEXT],
  objects: ['event', 'completed', 'returnvalue', OBJECTS],
  'a field of a custom event': ['event', 'report', 'body', TEXT],
} as const;

type Kind = keyof typeof LARGE_ENTRIES;
const PLACES = [
  ['cut', {}],
  ['in the bucket', { PAYLOAD_BUCKET: 'payloads' }],
] as const;

/** The most memory that a run takes, with the heap that Lambda gives it at 256 MB. */
export async function* memory(bench: Bench): AsyncGenerator<Row> {
  for (const count of COUNTS) {
    await bench.fill('memory', count, completed);
    const who = `${count.toLocaleString('en')} entries of 100 B`;
    bench.note(who);
    const { maxMemory } = await drain(bench, 'memory');
    yield { what: 'peak memory', who, figure: toMB(maxMemory) };
    await bench.admin.unlink(`${bench.prefix}:memory:events`);
  }
  for (const kind of Object.keys(LARGE_ENTRIES) as Kind[]) {
    await using large = await addLargeEntries(bench, kind);
    for (const [place, environment] of PLACES) {
      const who = `${(2 * SMALL).toLocaleString('en')} with ${LARGE} of 3 MB in a row (${kind}, ${place})`;
      bench.note(who);
      const { maxMemory } = await drain(bench, large.queue, { environment });
      yield { what: 'peak memory', who, figure: toMB(maxMemory) };
    }
  }
}

/** A queue with large entries of a kind in a row, and small ones before and after them. */
export async function addLargeEntries(bench: Bench, kind: Kind): Promise<AsyncDisposable & { readonly queue: string }> {
  const queue = 'large';
  await bench.fill(queue, SMALL, completed);
  await bench.fill(queue, LARGE, () => LARGE_ENTRIES[kind]);
  await bench.fill(queue, SMALL, completed);
  return {
    queue,
    async [Symbol.asyncDispose]() {
      await bench.admin.unlink(`${bench.prefix}:${queue}:events`);
    },
  };
}
