import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PARTS } from '../../bench/parts.ts';
import { start, stop } from '../../local/process.ts';

const PROGRAM = fileURLToPath(new URL('../../bench/run.ts', import.meta.url));

function startRun(...args: string[]) {
  const child = start(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => stop(child));
  return { child, stdout: child.stdout as Readable, stderr: child.stderr as Readable, ended: once(child, 'exit') };
}

async function run(...args: string[]) {
  const { stdout, stderr, ended } = startRun(...args);
  const [out, error, [code]] = await Promise.all([text(stdout), text(stderr), ended]);
  return { out, error, code };
}

describe('the benchmark', () => {
  test('lists its parts and their durations', async () => {
    const { out, error, code } = await run('--help');

    for (const [name, { about }] of Object.entries(PARTS))
      expect(out).toMatch(new RegExp(`^ {2}${name} +${about} \\(`, 'm'));
    expect({ error, code }).toEqual({ error: '', code: 0 });
  });

  test.each([
    ['an unknown part', ['nope']],
    ['one unknown part out of two', ['cold', 'Cold']],
    ['an empty name', ['']],
    ['the name of something that objects have', ['toString']],
    ['an unknown option', ['--hepl']],
    ['an option with a value that it does not take', ['--help=yes']],
  ])('refuses %s in one line', async (_, args) => {
    const { out, error, code } = await run(...args);

    expect(error.trim().split('\n')).toHaveLength(1);
    expect(error).toMatch(/^There is no part|^Unknown option|^Option/);
    expect({ out, code }).toEqual({ out: '', code: 1 });
  });

  test('prints at once what it measures, and begins a table', async () => {
    const { child, stdout, stderr, ended } = startRun('latency');
    const [first] = await once(stderr, 'data');
    expect(`${first}`).toMatch(/^Measures latency: about 2 minutes on 2 cores\./);

    const [head] = await once(stdout, 'data');
    expect(`${head}`).toBe('| measured | of | figure | ratio |\n| --- | --- | ---: | ---: |\n');
    child.kill('SIGINT');

    expect(await ended).toEqual([1, null]);
  });
});
