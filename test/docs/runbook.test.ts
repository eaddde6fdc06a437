import { readFile } from 'node:fs/promises';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildFunctions } from '../../infra/build.ts';
import { BullbridgeStack } from '../../infra/stack.ts';
import { createApp } from '../infra/synth.ts';
import { adminRedis } from '../redis.ts';
import { testStack } from '../stack.ts';

const RUNBOOK = 'docs/runbook.md';

const text = await readFile(new URL(`../../${RUNBOOK}`, import.meta.url), 'utf8');
const articles = text
  .split(/^## /m)
  .slice(1)
  .map((article) => ({ title: article.slice(0, article.indexOf('\n')), article }));

let template: Template;

beforeAll(async () => {
  await buildFunctions();
  template = Template.fromStack(new BullbridgeStack(createApp(), 'Bullbridge'));
});

describe('the runbook', () => {
  test('has an article for each alarm, and no other', () => {
    const descriptions = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
      ({ Properties }) => Properties['AlarmDescription'] as string,
    );
    const anchors = articles.map(({ title }) => title.toLowerCase().replaceAll(' ', '-'));

    expect(descriptions.map((description) => / See (\S+)$/.exec(description)?.[1]).sort()).toEqual(
      anchors.map((anchor) => `${RUNBOOK}#${anchor}`).sort(),
    );
  });

  test.each(articles)('says of "$title" what it means for events, how to look, and what to do', ({ article }) => {
    expect(article.match(/^\*\*[\w ]+\.\*\*/gm)).toEqual(['**For events.**', '**Look.**', '**Do.**']);
    expect(article).toMatch(/^\*\*Look\.\*\*.*?^```sh$/ms);
  });

  test('asks only for outputs that the stack has', () => {
    const asked = [...text.matchAll(/\b(?:output|failures|insights) ([A-Z]\w+)/g)].map(([, name = '']) => name);

    expect(new Set(asked).size).toBeGreaterThan(3);
    expect(Object.keys(template.findOutputs('*'))).toEqual(expect.arrayContaining(asked));
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
    const written = stack.log
      .filter((line) => line.includes('"message":"run"'))
      .flatMap((line) => fieldsOf(JSON.parse(line)));

    const queries = [...text.matchAll(/^insights \w+ '([^']+)'$/gm)].map(([, query = '']) => query);
    expect(queries.length).toBeGreaterThan(3);
    for (const query of queries) {
      const [, condition = '', fields = ''] =
        /^filter (.+) \| fields @timestamp, (.+) \| sort @timestamp desc$/.exec(query) ?? [];
      const conditioned = condition.split(' and ').map((part) => part.split(' ')[0]);
      expect(written).toEqual(expect.arrayContaining([...conditioned, ...fields.split(', ')]));
    }
  });
});

/** As Logs Insights names them: an item of a list by its place. */
function fieldsOf(line: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(line).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((_, i) => `${name}.${i}`) : name,
  );
}
