import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleFile } from '../../../infra/build/bundle.ts';
import { type Bundle, buildFunctions } from '../../../infra/build/functions.ts';

const run = promisify(execFile);

/**
 * A bundle's size is time at each cold start: raise this only with a reason.
 *
 * 290 kB are undici's pool, which halves the CPU time of a run for 10 ms more at a cold start.
 */
const LIMIT = 1_100_000;

let folder: string;
let bundles: Bundle[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bullbridge-build-'));
  bundles = await buildFunctions(folder);
});

afterAll(() => rm(folder, { recursive: true }));

test('the build bundles each folder with a handler', () => {
  expect(bundles.map(({ name }) => name)).toContain('forward');
  expect(bundles.every(({ name, file }) => file === join(folder, name, 'index.mjs'))).toBe(true);
});

test('the build gives the same bytes for the same sources', async () => {
  for (const { name, file } of bundles) {
    expect(await readFile(file)).toEqual(await readFile(bundleFile(name)));
  }
});

test('the bundles are small and do not contain BullMQ', () => {
  for (const { bytes, packages } of bundles) {
    expect(bytes).toBeLessThan(LIMIT);
    expect(packages.filter((name) => name.startsWith('bullmq') || name.startsWith('aws-cdk'))).toEqual([]);
  }
});

test('a bundle needs no other file', async () => {
  const script = 'console.log(typeof (await import(process.argv[1])).handler)';
  for (const { file } of bundles) {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script, file], { cwd: folder });
    expect(stdout).toBe('function\n');
  }
});

test('a bundle does not load the undici of Node beside its own: it does not import http', async () => {
  for (const { file } of bundles) expect(await readFile(file, 'utf8')).not.toMatch(/(?:from|import\()\s*"node:http"/);
});
