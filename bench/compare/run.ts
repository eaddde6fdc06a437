import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import bullmq from 'bullmq/package.json' with { type: 'json' };
import { buildFunctions } from '../../infra/build/functions.ts';
import { startDynamoDB } from '../../local/dynamodb.ts';
import { startRedis } from '../../local/redis.ts';
import { startStack } from '../../local/stack.ts';
import { compare, type Outcome } from './compare.ts';
import { SCENARIOS, type ScenarioName, type Sizes } from './scenarios.ts';
import { insertInto, toMarkdown } from './table.ts';
import { WAYS, type WayName } from './ways.ts';

/** BullMQ's own cap unless it is told another. */
const DEFAULT_CAP = 10_000;

const SIZES: Readonly<Record<ScenarioName, Sizes>> = {
  startUp: { before: 0, during: 1000, after: 0, maxLen: DEFAULT_CAP },
  downtime: { before: 250, during: 500, after: 250, maxLen: DEFAULT_CAP },
  trimmed: { before: 250, during: 4000, after: 250, maxLen: DEFAULT_CAP },
  malformed: { before: 250, during: 500, after: 250, maxLen: DEFAULT_CAP },
  killed: { before: 100, during: 100, after: 800, maxLen: DEFAULT_CAP },
};

const PAGE = new URL('../../docs/vs-queue-events.md', import.meta.url);

const { values: options } = parseArgs({ options: { write: { type: 'boolean' } } });
await using started = new AsyncDisposableStack();
const redis = started.use(await startRedis({ url: process.env['REDIS_URL'] }));
const dynamodb = started.use(await startDynamoDB());
await buildFunctions();
const parts = [`BullMQ ${bullmq.version}, ${redis.what}, Node ${process.version}.`];
const faults: string[] = [];
for (const scenario of Object.keys(SCENARIOS) as ScenarioName[]) {
  const outcomes = new Map<WayName, Outcome>();
  for (const way of Object.keys(WAYS) as WayName[]) {
    const outcome = await compare(scenario, way, {
      redisUrl: redis.url,
      sizes: SIZES[scenario],
      startStack: (environment) => startStack({ redisUrl: redis.url, dynamoUrl: dynamodb.url, environment }),
    });
    outcomes.set(way, outcome);
    if (way === 'bullbridge' && outcome.unaccounted > 0)
      faults.push(`${scenario}: ${outcome.unaccounted} events of bullbridge are unaccounted for`);
  }
  parts.push(toMarkdown(scenario, SIZES[scenario], outcomes));
  console.log(`${parts.at(-1)}\n`);
}
if (options.write) await writeFile(PAGE, insertInto(await readFile(PAGE, 'utf8'), parts.join('\n\n')));
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
