import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readOptions } from '../../local/start/options.ts';

const REDIS_URL = 'redis://localhost:6379';
const REDIS = { REDIS_URL };

const own = (queues: '*' | string[], more: object = {}) => ({
  mode: 'own queues',
  watch: false,
  redisUrl: REDIS_URL,
  prefix: 'bull',
  queues,
  ...more,
});

describe('the command line', () => {
  test.each([
    [[], {}, { mode: 'demonstration', watch: false, redisUrl: undefined }],
    [[], { REDIS_URL: '' }, { mode: 'demonstration', watch: false, redisUrl: undefined }],
    [['--watch'], REDIS, { mode: 'demonstration', watch: true, redisUrl: REDIS_URL }],
    [['--help'], {}, { mode: 'help' }],
    [['-h', '--watch'], {}, { mode: 'help' }],
    [['--queues', 'emails'], REDIS, own(['emails'])],
    [['--queues=*', '--prefix', 'app:jobs', '--watch'], REDIS, own('*', { prefix: 'app:jobs', watch: true })],
    [['--queues', ' y, x ,'], REDIS, own(['y', 'x'])],
    [['--queues', 'a,,b,a'], REDIS, own(['a', 'b'])],
    [['--queues', 'a', '--queues', 'b,c'], REDIS, own(['a', 'b', 'c'])],
    [['--queues', ' * '], REDIS, own('*')],
    [['--queues', 'a'], { REDIS_URL: 'redis://a:1,b:2' }, own(['a'], { redisUrl: 'redis://a:1,b:2' })],
  ])('%j with %j is %j', (args, environment, expected) => {
    expect(readOptions(args, environment)).toEqual(expected);
  });

  const INVALID = 'REDIS_URL is not valid (its value is not repeated here)';
  const helped = (fault: string) => `${fault}. See \`npm start -- --help\`.`;
  test.each([
    [['--prefix', 'bull'], REDIS, '--prefix needs --queues, as in `REDIS_URL='],
    [['--watch', '--prefix', 'p'], {}, '--prefix needs --queues, as in `REDIS_URL='],
    [['--queues', 'emails'], {}, '--queues reads the queues of your own Redis: set REDIS_URL, as in `REDIS_URL='],
    [['--queues', 'a:b'], REDIS, '--queues is "a:b"; it must be a comma-separated list of queue names'],
    [['--queues', ' , '], REDIS, '--queues is ""; it must be a comma-separated list of queue names'],
    [['--queues', 'a', '--prefix', ''], REDIS, '--prefix is ""; it must be a text that is not empty.'],
    [['--wacth'], {}, helped("Unknown option '--wacth'")],
    [['-w'], {}, helped("Unknown option '-w'")],
    [['emails'], {}, helped("Unexpected argument 'emails'")],
    [['--watch', 'a. b'], {}, helped("Unexpected argument 'a. b'")],
    [['--watch=yes'], {}, helped("Option '--watch' does not take an argument")],
    [['--queues'], REDIS, helped("Option '--queues <value>' argument missing")],
    [['--queues', '--watch'], REDIS, helped("Option '--queues' argument is ambiguous")],
    [[], { REDIS_URL: 'http://:hunter2@localhost' }, `${INVALID}: it must begin with redis:// or rediss://.`],
    [[], { REDIS_URL: 'localhost:6379' }, `${INVALID}: it must begin with`],
    [[], { REDIS_URL: 'redis://' }, `${INVALID}: it must name a host`],
    [[], { REDIS_URL: 'redis://:hunter2/@localhost' }, `${INVALID}: an @ follows`],
    [['--queues', 'a'], { REDIS_URL: 'redis://localhost/first' }, `${INVALID}: only a database may follow`],
    [
      [],
      { REDIS_URL: 'redis://:hunter2@a:1,b:2' },
      'The demonstration runs on one server, but REDIS_URL names several servers',
    ],
  ])('%j with %j is refused: %s', (args, environment, sentence) => {
    const read = () => readOptions(args, environment);

    expect(read).toThrow(sentence);
    expect(read).not.toThrow(/hunter2|\n/);
  });
});

describe('options that npm took for itself', () => {
  // As npm 10.9 and 11.19 set them.
  test.each([
    [[], { npm_config_watch: 'true' }, '--watch for itself', '`npm start -- --watch`'],
    [['emails'], { npm_config_queues: 'true' }, '--queues for itself', "`npm start -- --queues 'emails'`"],
    [[], { npm_config_queues: 'a,b' }, '--queues for itself', "`npm start -- --queues 'a,b'`"],
    [[], { npm_config_queues: '*' }, '--queues for itself', "`npm start -- --queues '*'`"],
    [[], { npm_config_queues: 'true' }, '--queues for itself', "`npm start -- --queues '<names>'`"],
    [
      ['emails'],
      { npm_config_queues: 'true', npm_config_watch: 'true' },
      '--queues and --watch for itself',
      "`npm start -- --queues 'emails' --watch`",
    ],
    [['--queues', 'a'], { npm_config_watch: 'true' }, '--watch for itself', '`npm start -- --watch`'],
  ])('%j with %j', (args, environment, took, typed) => {
    const read = () => readOptions(args, { ...REDIS, ...environment });

    expect(read).toThrow(`npm took ${took}. Put \`--\` before the options: `);
    expect(read).toThrow(typed);
  });

  test.each(['userconfig', 'globalconfig', 'local_prefix'])(
    'are not settings of an npmrc (%s), nor settings of npm itself',
    async (name) => {
      const folder = await mkdtemp(join(tmpdir(), 'bullbridge-test-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      await writeFile(join(folder, '.npmrc'), '; mine\nloglevel=error\n  watch = true\nqueues=x\n');
      const path = name === 'local_prefix' ? folder : join(folder, '.npmrc');
      const settings = { npm_config_watch: 'true', npm_config_queues: 'x', npm_config_prefix: '/usr' };

      expect(readOptions([], { ...settings, [`npm_config_${name}`]: path })).toMatchObject({ mode: 'demonstration' });
    },
  );

  test('are none if npm sets them to false', () => {
    expect(readOptions([], { npm_config_watch: '' })).toMatchObject({ watch: false });
  });
});
