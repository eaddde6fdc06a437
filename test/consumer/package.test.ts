import { execFile, execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildConsumer, CONSUMER } from '../../infra/build/package.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Bytes that the minified consumer adds to a function. */
const LIMIT = 6 * 1024;

/**
 * The Node that runs the tests, and the Node on the PATH, which can be older; `.ci/node-versions` has other versions on
 * the PATH.
 */
const NODES = new Set([
  process.execPath,
  execFileSync('node', ['-p', 'process.execPath'], { encoding: 'utf8' }).trim(),
]);

/** A program that uses the entries as a function behind a queue does. */
const USE = `
  const batch = aBatch(anEvent('failed', { jobId: '7', failedReason: 'declined' }), anEvent('active', { queue: 'other' }));
  const heard = [];
  const events = new QueueEvents('emails').on('failed', async (args, id) => heard.push(args)).on('error', () => {});
  const { batchItemFailures } = await events.handler(batch);
  const matches = matchesRule({ detail: { queue: [{ wildcard: 'e*s' }] } }, anEvent('failed'));
  console.log(JSON.stringify([heard, batchItemFailures, matches, typeof createPayloadReader]));`;
const SAID = JSON.stringify([
  [{ jobId: '7', failedReason: 'declined' }],
  [{ itemIdentifier: 'message-2' }],
  true,
  'function',
]);

let folder: string;

beforeAll(async () => {
  await buildConsumer();
  folder = await mkdtemp(join(tmpdir(), 'bullbridge-consumer-'));
  // As npm installs it, with no package next to it.
  const installed = join(folder, 'node_modules/bullbridge');
  await mkdir(installed, { recursive: true });
  await cp(join(ROOT, 'package.json'), join(installed, 'package.json'));
  await cp(join(ROOT, 'dist'), join(installed, 'dist'), { recursive: true });
});

afterAll(() => rm(folder, { recursive: true }));

describe.each([...NODES])('with %s, and no other package', (node) => {
  test('the consumer is imported', async () => {
    const imports = `
      import { QueueEvents } from 'bullbridge/consumer';
      import { aBatch, anEvent, matchesRule } from 'bullbridge/testing';
      import { createPayloadReader } from 'bullbridge/payloads';`;
    await writeFile(join(folder, 'esm.mjs'), imports + USE);

    expect((await run(node, ['esm.mjs'], { cwd: folder })).stdout).toBe(`${SAID}\n`);
  });

  test('the consumer is required', async () => {
    const requires = `
      const { QueueEvents } = require('bullbridge/consumer');
      const { aBatch, anEvent, matchesRule } = require('bullbridge/testing');
      const { createPayloadReader } = require('bullbridge/payloads');
      const schema = require('bullbridge/schemas/bullmq@JobFailed.json');
      if (schema.title !== 'Job Failed') throw new Error('no schema');`;
    await writeFile(join(folder, 'cjs.cjs'), `${requires}(async () => {${USE}})();`);

    expect((await run(node, ['cjs.cjs'], { cwd: folder })).stdout).toBe(`${SAID}\n`);
  });
});

test('a bundle of the consumer is small, and has no other package', async () => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: CONSUMER,
    outdir: 'dist',
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['zod'],
  });

  const bytes = outputFiles.find(({ path }) => path.endsWith('/consumer.js'))?.contents.byteLength;
  expect(bytes).toBeLessThanOrEqual(LIMIT);
  const sources = Object.keys(metafile.inputs).map((path) => path.split('/').slice(0, 2).join('/'));
  expect(new Set(sources.map((path) => path.replace(/^consumer\/.*/, 'consumer')))).toEqual(
    new Set(['consumer', 'functions/event']),
  );
  expect(
    Object.keys(metafile.outputs['dist/consumer.js']?.inputs ?? {}).filter((path) => path.startsWith('functions')),
  ).toEqual([]);
});
