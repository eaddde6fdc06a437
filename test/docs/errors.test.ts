import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ERRORS, REFUSALS } from '../../docs/errors.ts';
import { REFUSED } from '../../functions/bus/verdict-codes.ts';
import { ROOT } from './pages.ts';

test('each error and each of its codes has a meaning', async () => {
  const source = await readFile(join(ROOT, 'functions/errors.ts'), 'utf8');
  const classes = [...source.matchAll(/^export class (\w+) extends BullbridgeError<([^>]+)>/gm)];
  const codesOf = (type: string) =>
    type.startsWith("'") ? type : (new RegExp(`^export type ${type} =([^;]+);`, 'm').exec(source)?.[1] ?? '');
  const thrown = classes.flatMap(([, error = '', type = '']) =>
    [...codesOf(type).matchAll(/'(\w+)'/g)].map(([, code]) => `${error} ${code}`),
  );

  expect(classes.length).toBeGreaterThan(6);
  expect(new Set(ERRORS.map(({ error, code }) => `${error} ${code}`))).toEqual(new Set(thrown));
});

test('each code for which an entry is parked at once has a meaning', () => {
  expect(Object.keys(REFUSALS)).toEqual(REFUSED);
});
