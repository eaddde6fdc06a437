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
const LARGE_ENTRIES: Readonly<Record<string, readonly string[]>> = {
  'a text': ['event', 'completed', 'returnvalue', TEXT],
  objects: ['event', 'completed', 'returnvalue', OBJECTS],
  'a field of a custom event': ['event', 'report', 'body', TEXT],
};
const PLACES = [
  ['cut', {}],
  ['in the bucket', { PAYLOAD_BUCKET: 'payloads' }],
] as const;

/** The most memory that a run takes, with the heap that Lambda gives it at 256 MB. */
export async function* memory(bench: Bench): AsyncGenerator<Row> {
  const remove = () => bench.admin.unlink(`${bench.prefix}:memory:events`);
  for (const count of COUNTS) {
    await bench.fill('memory', count, completed);
    const who = `${count.toLocaleString('en')} entries of 100 B`;
    bench.note(who);
    const { maxMemory } = await drain(bench, 'memory');
    yield { what: 'peak memory', who, figure: toMB(maxMemory) };
    await remove();
  }
  for (const [kind, fields] of Object.entries(LARGE_ENTRIES)) {
    await bench.fill('memory', SMALL, completed);
    await bench.fill('memory', LARGE, () => fields);
    await bench.fill('memory', SMALL, completed);
    for (const [place, environment] of PLACES) {
      const who = `${(2 * SMALL).toLocaleString('en')} with ${LARGE} of 3 MB in a row (${kind}, ${place})`;
      bench.note(who);
      const { maxMemory } = await drain(bench, 'memory', { environment });
      yield { what: 'peak memory', who, figure: toMB(maxMemory) };
    }
    await remove();
  }
}
