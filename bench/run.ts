import { parseArgs } from 'node:util';
import { durationOf, PARTS } from './parts.ts';
import { HEAD, type Row, toMarkdown } from './row.ts';

const NAMES = Object.keys(PARTS);
const WIDTH = Math.max(...NAMES.map((name) => name.length));

const USAGE = `Usage: npm run bench -- [parts]

Measures the built function on this machine, and prints a table in Markdown; what it does meanwhile goes to stderr.
Parts (default: all, ${durationOf(NAMES)} on 2 cores):
${NAMES.map((name) => `  ${name.padEnd(WIDTH)}  ${PARTS[name]?.about} (${durationOf([name])})`).join('\n')}
REDIS_URL says which Redis to use; without it, one is started. DynamoDB and the event bus are started, too.`;

/** @returns the parts to measure; none where only help is asked for */
function readParts(): string[] {
  const { values, positionals } = parseArgs({ options: { help: { type: 'boolean' } }, allowPositionals: true });
  if (values.help) return [];
  const unknown = positionals.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined) throw new Error(`There is no part "${unknown}"; the parts are ${NAMES.join(', ')}.`);
  return NAMES.filter((name) => positionals.length === 0 || positionals.includes(name));
}

async function measure(names: readonly string[]): Promise<void> {
  console.error(
    `Measures ${names.join(', ')}: ${durationOf(names)} on 2 cores. Starts Redis and DynamoDB, and builds the functions.`,
  );
  const { startBench } = await import('./bench.ts');
  await using bench = await startBench((text) => console.error(`  ${text}`));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      await bench[Symbol.asyncDispose]();
      process.exit(1);
    });
  }
  console.error(`Where: ${bench.where}`);
  console.log(HEAD.join('\n'));
  let before: Row | undefined;
  for (const [i, name] of names.entries()) {
    console.error(`Part ${i + 1} of ${names.length}, ${name}: ${PARTS[name]?.about} (${durationOf([name])})`);
    const part = await PARTS[name]?.load();
    for await (const row of part?.(bench) ?? []) {
      console.log(toMarkdown(row, before));
      before = row;
    }
  }
}

let names: string[] | undefined;
try {
  names = readParts();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
if (names?.length === 0) console.log(USAGE);
else if (names) await measure(names);
