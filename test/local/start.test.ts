import { stripVTControlCharacters } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import { widthOf } from '../../local/start/text-width.ts';
import { adminRedis, ownPrefix } from '../redis.ts';
import { testWith } from '../test-with.ts';
import { shell } from './program.ts';

describe('on the command line', () => {
  test('options without `--` before them, which npm takes for itself, are named', async () => {
    const cases = [
      ['--watch', '`npm start -- --watch`'],
      ['--queues emails --watch', "`npm start -- --queues 'emails' --watch`"],
      ["'--queues=*'", "`npm start -- --queues '*'`"],
    ] as const;
    await Promise.all(
      cases.map(async ([options, typed]) => {
        const program = await shell(`npm start ${options}`);

        expect(await program.ended, program.output()).toBe(1);

        expect(program.output()).toContain(`for itself. Put \`--\` before the options: ${typed}.`);
        expect(program.output()).not.toContain('Starting servers');
      }),
    );
  });

  test('unknown options lead to the help', async () => {
    const [unknown, help] = await Promise.all([shell('npm start -- --wacth'), shell('npm start -- --help')]);

    expect(await unknown.ended, unknown.output()).toBe(1);
    expect(unknown.output().trim().split('\n').at(-1)).toBe("Unknown option '--wacth'. See `npm start -- --help`.");
    expect(await help.ended, help.output()).toBe(0);
    expect(help.output()).toMatch(/^Usage: npm start -- \[options\]$/m);
    for (const line of help.output().split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('in a terminal of 40 columns', () => {
  testWith('script')('no event wraps, and the content of jobs does not control the terminal', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    const values = [
      '\u001b[2J\u001b]0;title\u0007',
      'a\nb\r\n',
      '日本語'.repeat(20),
      '😀'.repeat(30),
      '\u009b31m',
      'x'.repeat(500),
    ];
    for (const value of values) {
      await admin.xadd(
        `${prefix}:日本:events`,
        '*',
        'event',
        'failed',
        'jobId',
        value.slice(0, 3),
        'failedReason',
        value,
      );
      await admin.xadd(
        `${prefix}:日本:events`,
        '*',
        'event',
        'completed',
        'jobId',
        value,
        'returnvalue',
        JSON.stringify(value),
      );
    }
    const command = `stty cols 40; '${process.execPath}' local/start.ts --queues 日本 --prefix ${prefix}`;

    const program = await shell(`script --quiet --return --command "${command}" /dev/null`, {
      REDIS_URL: inject('redisUrl'),
      NO_COLOR: '1',
    });
    expect(await program.ended, program.output()).toBe(0);

    const printed = program.output().replaceAll('\r\u001b[2K', '\n').replaceAll('\r\n', '\n');
    const events = printed.split('\n').filter((line) => /^ +Job /.test(line));
    expect(events).toHaveLength(2 * values.length);
    for (const line of events) expect(widthOf(stripVTControlCharacters(line))).toBeLessThan(40);
    expect(stripVTControlCharacters(printed)).not.toMatch(/(?!\n)\p{Cc}/u);
    expect(printed).not.toContain('title\u0007');
  });
});
