import { backlog } from './backlog.ts';
import { type Part, startBench } from './bench.ts';
import { coldStart } from './cold.ts';
import { enrichment } from './enrichment.ts';
import { idleQueues } from './idle.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { HEAD, type Row, toMarkdown } from './row.ts';
import { sustained } from './sustained.ts';

const PARTS: Readonly<Record<string, Part>> = {
  backlog,
  memory,
  latency,
  sustained,
  enrichment,
  idle: idleQueues,
  cold: coldStart,
};

const names = process.argv.slice(2);
const unknown = names.find((name) => !Object.hasOwn(PARTS, name));
if (unknown !== undefined)
  throw new Error(`there is no part "${unknown}"; the parts are ${Object.keys(PARTS).join(', ')}`);

await using bench = await startBench();
console.error(bench.where);
console.log(HEAD.join('\n'));
let before: Row | undefined;
for (const [name, part] of Object.entries(PARTS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  for await (const row of part(bench)) {
    console.log(toMarkdown(row, before));
    before = row;
  }
}
