import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Queue, Worker } from 'bullmq';
import { expect, onTestFinished, test } from 'vitest';
import { startRedis } from '../../local/redis.ts';
import { shell } from '../local/program.ts';
import { testWith } from '../test-with.ts';
import { ROOT, readPages, shellBlocks } from './pages.ts';

const THIS = 'test/docs/shell-blocks.test.ts';
const LOCALSTACK = 'test/localstack/deploy.localstack.ts';

/** The test that runs a block, by the beginning of the block. */
const RUN_BY: Readonly<Record<string, string>> = {
  'git clone https://github.com/': '.ci/node-versions',
  'npm ci && npm start': '.ci/node-versions',
  'npm ci && npm test': '.ci/run',
  'REDIS_URL=redis://localhost:6379 npm start -- --queues': 'test/local/start-keys.test.ts',
  'npm install bullbridge': '.ci/cdk-versions.mjs',
  'npm run compare': 'test/bench/compare.test.ts',
  'npm run localstack': THIS,
  'PASSWORD=$(openssl rand -hex 24)\nredis-cli': THIS,
  'redis-cli': THIS,
  'aws secretsmanager create-secret --name bullbridge/redis-url --secret-string "$FUNCTIONS_REDIS_URL"': LOCALSTACK,
  'npx cdk bootstrap\nnpx cdk deploy --require-approval never': LOCALSTACK,
  'BUS=$(aws': LOCALSTACK,
  'node --input-type=module': LOCALSTACK,
  'FORWARD=$(aws': LOCALSTACK,
  'aws events remove-targets --event-bus-name "$BUS" --rule demo': LOCALSTACK,
  'export REDIS_URL\nnode --input-type=module': LOCALSTACK,
};

/** Commands that need an account. */
const AWS_COMMAND = /\baws [a-z-]|\bnpx cdk (?:bootstrap|context|deploy|destroy)\b/;
const ONLY_VARIABLES = /^(?:\w+=\S+\n)+$/;

const pages = await readPages('README.md', 'docs/*.md');
const blocks = pages.flatMap(({ file, text }) =>
  shellBlocks(text).map((block) => ({ file, text, block, start: block.split('\n')[0] })),
);

test.each(blocks)('a test runs the block "$start" of $file, or it needs an AWS account', ({ file, text, block }) => {
  const needsAws = isForAws(text, block);

  expect(
    runnerOf(block) !== undefined || ONLY_VARIABLES.test(block) || (needsAws && saysThatItNeedsAws(text)),
    needsAws
      ? `${file} has commands for AWS. The text before its first block must say that they need an AWS account.`
      : `No test runs this block of ${file}. Write one, and add it to RUN_BY in ${THIS}.`,
  ).toBe(true);
});

test.each(Object.entries(RUN_BY))('%j begins a block, which %s runs', (beginning, runner) => {
  expect(
    blocks.some(({ block }) => block.startsWith(beginning)),
    'No page has this block: remove it from RUN_BY.',
  ).toBe(true);
  expect(existsSync(join(ROOT, runner)), `There is no ${runner}.`).toBe(true);
});

testWith('native server', 'openssl')('the commands of redis-cli create the user and show a queue', async () => {
  await using redis = await startRedis();
  await runJob(redis.url);
  const commands = blocks
    .map(({ block }) => block)
    .filter((block) => runnerOf(block) === THIS && /redis-cli/.test(block));
  // Valkey's package has its own name for it.
  const cli = 'command -v redis-cli >/dev/null || redis-cli() { valkey-cli "$@"; }\n';

  const script = [cli, ...commands, 'redis-cli -u "$REDIS_URL" ACL LIST\n'].join('');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    env: { ...process.env, REDIS_URL: redis.url },
  });

  expect(commands).toHaveLength(3);
  for (const part of ['bull:emails:meta\n', 'completed\n', 'OK\n', /^user bullbridge on .* ~bull:\* .*\+xread/m])
    expect(stdout).toMatch(part);
});

// The engine is none: what is tested are the lines that the page needs.
test('npm run localstack prints the lines that bring the aws command and the URLs of Redis', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bullbridge-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const docker = join(folder, 'docker');
  await writeFile(docker, '#!/bin/sh\n');
  await chmod(docker, 0o755);
  const PATH = [folder, process.env['PATH']].join(delimiter);

  const program = await shell('npm run localstack', { PATH, LOCALSTACK_HOSTMODE: '' });
  await program.says(/Ctrl-C stops both\./);
  const lines = program.output().match(/^export .*$/gm) ?? [];
  const script = [...lines, 'command -v aws; echo "$REDIS_URL $FUNCTIONS_REDIS_URL $AWS_ENDPOINT_URL"'].join('\n');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script]);
  program.kill('SIGINT', 'group');

  await program.ended;
  expect(program.output()).toContain('Stopping ...');
  expect(stdout).toMatch(/\/aws\nredis:\/\/127\.0\.0\.1:\d+ redis:\/\/redis:6379 http:\/\/127\.0\.0\.1:4566\n$/);
});

/** The test that runs a block, `undefined` if none does. */
function runnerOf(block: string): string | undefined {
  return Object.entries(RUN_BY).find(([beginning]) => block.startsWith(beginning))?.[1];
}

/** Whether a block has commands for AWS, or calls a shell function of its page. */
function isForAws(text: string, block: string): boolean {
  const functions = [...text.matchAll(/^(\w+)\(\) \{/gm)].map(([, name]) => name);
  return (
    AWS_COMMAND.test(block) || (functions.length > 0 && new RegExp(`\\b(?:${functions.join('|')})\\b`).test(block))
  );
}

/** Whether the beginning of a page says that an AWS account is needed. */
function saysThatItNeedsAws(text: string): boolean {
  return /\ban AWS\s+account\b/.test(text.slice(0, text.indexOf('```')));
}

/** Runs a job of the queue `emails`. */
async function runJob(url: string): Promise<void> {
  const connection = { url, maxRetriesPerRequest: null };
  const queue = new Queue('emails', { connection });
  const worker = new Worker('emails', async () => 'sent', { connection });
  const completed = new Promise((resolve) => worker.once('completed', resolve));
  await queue.add('welcome', {});
  await completed;
  await Promise.all([worker.close(), queue.close()]);
}
