import { execFileSync } from 'node:child_process';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ForwardResult } from '../../functions/forward/handler.ts';
import { BullbridgeStack } from '../../infra/app/stack.ts';
import { RUNBOOK_URL } from '../../infra/construct/alarms.ts';
import { createApp } from '../infra/synth.ts';
import { adminRedis } from '../redis.ts';
import { testStack } from '../stack.ts';
import { readPage, shellBlocks } from './pages.ts';

const RUNBOOK = 'docs/runbook.md';
/** The one article that no alarm leads to. */
const FIRST_STEPS = 'Deployed, and nothing arrives';

const text = await readPage(RUNBOOK);
const all = text
  .split(/^## /m)
  .slice(1)
  .map((article) => ({ title: article.slice(0, article.indexOf('\n')), article }));
const articles = all.filter(({ title }) => title !== FIRST_STEPS);
const firstSteps = all.find(({ title }) => title === FIRST_STEPS)?.article ?? '';

let template: Template;

beforeAll(() => {
  template = Template.fromStack(new BullbridgeStack(createApp(), 'Bullbridge'));
});

describe('the runbook', () => {
  test('has exactly one article for each alarm', () => {
    const descriptions = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
      ({ Properties }) => Properties['AlarmDescription'] as string,
    );
    const anchors = articles.map(({ title }) => title.toLowerCase().replaceAll(' ', '-'));

    expect(descriptions.map((description) => / See (\S+)$/.exec(description)?.[1]).sort()).toEqual(
      anchors.map((anchor) => `${RUNBOOK_URL}#${anchor}`).sort(),
    );
  });

  test.each(articles)('has for "$title" what it means for events, how to look, and what to do', ({ article }) => {
    expect(article.match(/^\*\*[\w ]+\.\*\*/gm)).toEqual(['**For events.**', '**Look.**', '**Do.**']);
    expect(article).toMatch(/^\*\*Look\.\*\*.*?^```sh$/ms);
  });

  test('numbers the steps to an event that is missing, and shows the result of each', () => {
    const steps = firstSteps.split(/^\*\*(?=\d)/m).slice(1);

    expect(steps.map((step) => Number.parseInt(step, 10))).toEqual(steps.map((_, i) => i + 1));
    expect(steps.length).toBeGreaterThan(5);
    for (const step of steps) {
      expect(shellBlocks(step)).toHaveLength(1);
      expect(step).toMatch(/^It prints /m);
    }
    for (const [, step] of firstSteps.matchAll(/\bstep (\d+)/g)) expect(Number(step)).toBeLessThanOrEqual(steps.length);
  });

  test.each([
    ['rediss://user:hunter2@host:6379/1', 'host:6379/1\n'],
    ['redis://host', 'host\n'],
    ['redis://:hunter2@one:1,two:2', 'one:1,two:2\n'],
    ['{ "url": "rediss://user:hunter2@host/2", "sentinelPassword": "x/@hunter2" }', 'host/2\n'],
    ['{ "sentinelPassword": "x@//hunter2", "url": "rediss://user:hunter2@host" }', 'host\n'],
    ['hunter2', ''],
  ])('prints only the address of Redis from the secret %s', (secret, printed) => {
    const [, script = ''] = /sed -nE '(s[^']+rediss[^']+)'/.exec(firstSteps) ?? [];

    expect(execFileSync('sed', ['-nE', script], { input: `${secret}\n`, encoding: 'utf8' })).toBe(printed);
  });

  test('asks logs only for fields that the functions write', async () => {
    const stack = await testStack();
    const admin = adminRedis();
    await admin.hset(`${stack.prefix}:emails:meta`, 'opts.maxLenEvents', 10_000);
    // Seen first by the first run, so that the second one has something to say of its backlog.
    for (let run = 0; run < 2; run += 1) {
      await admin.xadd(`${stack.prefix}:emails:events`, '*', 'event', 'drained');
      await stack.forward.invoke({});
    }
    await stack.reconcile.invoke({});
    const lines = stack.log.filter((line) => line.includes('"message":"run"'));
    const written = lines.flatMap((line) => fieldsOf(JSON.parse(line)));

    const queries = [...text.matchAll(/^insights \w+ '([^']+)'$/gm)].map(([, query = '']) => query);
    expect(queries.length).toBeGreaterThan(3);
    for (const query of queries) {
      const [, condition = '', fields = ''] =
        /^filter (.+) \| fields @timestamp, (.+) \| sort @timestamp desc$/.exec(query) ?? [];
      const conditioned = condition.split(' and ').map((part) => part.split(' ')[0]);
      expect(written).toEqual(expect.arrayContaining([...conditioned, ...fields.split(', ')]));
    }
    const counts = [...firstSteps.matchAll(/`[^`]*"(\w+)":[^`]*`/g)].map(([, name = '']) => name);
    expect(counts.length).toBeGreaterThan(5);
    // A run that does nothing is the only one that has it.
    const ofOthers: keyof ForwardResult = 'leaseHeld';
    expect([...written, ofOthers]).toEqual(expect.arrayContaining(counts));
    const [, script = ''] = /\| sed '(s[^']+published[^']+)'/.exec(firstSteps) ?? [];
    expect(execFileSync('sed', [script], { input: lines[0], encoding: 'utf8' })).toMatch(
      /^"published":0,"filtered":\d,.*"queues":1,"caughtUp":true/,
    );
  });
});

/** As Logs Insights names them: an item of a list by its place. */
function fieldsOf(line: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(line).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((_, i) => `${name}.${i}`) : name,
  );
}
