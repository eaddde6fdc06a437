import { execFileSync } from 'node:child_process';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { OPTIONS } from '../../infra/app/options.ts';
import { BullbridgeStack } from '../../infra/app/stack.ts';
import { createApp } from '../infra/synth.ts';
import { readPages, shellBlocks } from './pages.ts';

/** What commands read from AWS, which no test can. */
const READ_FROM_AWS: Readonly<Record<string, string>> = {
  VPC: 'vpc-0123456789abcdef0',
  GROUP: 'sg-0123456789abcdef0',
  ENDPOINT: 'redis.example.com',
  BUS: 'jobs',
  TABLE: 'positions',
  QUEUE_ARN: 'arn:aws:sqs:eu-west-1:123456789012:parked',
};

/** What version 1 of the AWS CLI refuses: https://docs.aws.amazon.com/cli/latest/userguide/cliv2-migration-changes.html */
const ONLY_IN_VERSION_2 = /--cli-binary-format|--no-cli-pager|AWS_PAGER|\baws logs tail\b/;

const pages = await readPages('*.md', 'docs/*.md');
const commands = pages.flatMap(({ file, text }) =>
  cdkCommands(text).map((command) => ({ file, command, contexts: contextsOf(command, text) })),
);

describe.each(await readPages('docs/*.md'))('the commands of $file', ({ text }) => {
  const blocks = shellBlocks(text);

  test('are shell scripts', () => {
    for (const input of blocks) execFileSync('bash', ['-n'], { input, stdio: ['pipe', 'ignore', 'pipe'] });
  });

  test('can be pasted: no placeholder, and no comment, which zsh would run', () => {
    const faults = blocks.flatMap((block) => block.match(/(?<!<)<[a-z][^<>\n]*>|^ *#.*|\s# .*/gim) ?? []);

    expect(faults).toEqual([]);
  });
});

test('only options of the stack are used', () => {
  const given = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/(?<![\w-])-c ([A-Za-z]\w*)=/g)].map(([, name = '']) => ({ file, name })),
  );

  expect(given.length).toBeGreaterThan(10);
  // That of the tests' own consumer, and those of the stack.
  expect(given.filter(({ name }) => !(OPTIONS as readonly string[]).includes(name))).toEqual([]);
});

test('only outputs of the stack are read', () => {
  const asked = pages.flatMap(({ text }) =>
    [...text.matchAll(/\b(?:output|group|logs|failures|insights) ([A-Z]\w+)/g)].map(([, name = '']) => name),
  );
  const stack = createStack({ vpcId: READ_FROM_AWS['VPC'] });

  expect(new Set(asked).size).toBeGreaterThan(5);
  expect(Object.keys(Template.fromStack(stack).findOutputs('*'))).toEqual(expect.arrayContaining(asked));
});

test.each(commands)('$command of $file synthesizes', ({ contexts }) => {
  for (const context of contexts) createStack(context);
});

test('each case of the guide has its command', () => {
  const given = commands
    .filter(({ file }) => file === 'docs/deploy.md')
    .flatMap(({ contexts }) => contexts.map((context) => Object.keys(context).join()));

  expect(given).toEqual(
    expect.arrayContaining([
      '',
      'startFrom',
      'vpcId,redisSecurityGroupId',
      'redis,redisIam,vpcId,redisSecurityGroupId',
    ]),
  );
  const caches = commands.flatMap(({ contexts }) => contexts.flatMap(({ redisIam }) => redisIam ?? []));
  expect(caches.map((cache) => cache.split(':')[0])).toEqual(['elasticache', 'elasticache-serverless', 'memorydb']);
});

test.each(pages.filter(({ text }) => shellBlocks(text).some((block) => ONLY_IN_VERSION_2.test(block))))(
  '$file names the AWS CLI v2 as a requirement, and how to check it',
  ({ text }) => {
    expect(text.includes('AWS CLI v2')).toBe(true);
    expect(text.includes('aws --version')).toBe(true);
  },
);

/** The stack that a deployment with this context makes; a network is made up, since there is no account to look it up in. */
function createStack(context: Readonly<Record<string, unknown>>): BullbridgeStack {
  const env = 'vpcId' in context ? { account: '123456789012', region: 'eu-west-1' } : undefined;
  return new BullbridgeStack(createApp(context), 'Bullbridge', { env });
}

/** The commands that deploy or synthesize this stack, in blocks and in sentences, each on one line. */
function cdkCommands(text: string): string[] {
  const lines = text.replaceAll(/\\\n\s*/g, '');
  const found = [...lines.matchAll(/\bnpx cdk (?:deploy|synth)\b[^`\n#]*/g)].map(([command]) => command.trim());
  return [...new Set(found)].filter((command) => !command.includes('--app'));
}

/** The context values of a command: one set for each way in which the page sets its variables. */
function contextsOf(command: string, text: string): Record<string, string>[] {
  const given = [...command.matchAll(/(?<=\s)-c (\w+)=("[^"]*"|'[^']*'|\S+)/g)];
  return given.reduce<Record<string, string>[]>(
    (contexts, [, name = '', value = '']) =>
      expand(value.replace(/^(["'])(.*)\1$/, '$2'), text).flatMap((one) =>
        contexts.map((context) => ({ ...context, [name]: one })),
      ),
    [{}],
  );
}

/** The values of a word with variables: those that the page assigns, or the samples. */
function expand(word: string, text: string): string[] {
  const [variable, name = ''] = /\$(\w+)/.exec(word) ?? [];
  if (variable === undefined) return [word];
  const sample = READ_FROM_AWS[name];
  const assigned = [...text.matchAll(new RegExp(`^${name}=([^$(\\s]\\S*)$`, 'gm'))].map(([, value = '']) => value);
  const values = sample === undefined ? [...new Set(assigned)] : [sample];
  if (values.length === 0) throw new Error(`${name} has no value on its page, and no sample here`);
  return values.flatMap((value) => expand(word.replace(variable, value), text));
}
