import { expect, test } from 'vitest';
import { customDetailSchema, lossSchema, recoverySchema } from '../../consumer/zod.ts';
import { readPage } from './pages.ts';

const sections = (await readPage('docs/events.md')).split(/^## /m);

test.each([
  ['Fields of every queue event', customDetailSchema.shape],
  ['Large fields', customDetailSchema.shape.claimCheck.unwrap().shape],
  ['Events Lost', lossSchema.shape.detail.shape],
  ['Events Recovered', recoverySchema.shape.detail.shape],
])('the section "%s" of docs/events.md has each field of the schema, and no other', (title, shape) => {
  const section = sections.find((text) => text.startsWith(`${title}\n`)) ?? '';
  const rows = [...section.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) => cell.match(/\w+/g) ?? []);

  expect(rows.sort()).toEqual(Object.keys(shape).sort());
});
