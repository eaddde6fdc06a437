import { expect, test } from 'vitest';
import { circlesOf, readImports } from '../imports.ts';

/** The folders that one may import, besides itself; `infra/build/bundle.ts` says where the bundles are. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'infra/construct': ['functions', 'infra/build/bundle.ts'],
  'infra/app': ['infra/construct', 'functions'],
  'infra/build': ['consumer'],
};

const { imports } = readImports('infra');

test('the folders of infra/ import only folders below them', () => {
  const wrong = imports.filter(({ from, to }) => {
    const [folder, allowed] = Object.entries(MAY_IMPORT).find(([name]) => from.startsWith(`${name}/`)) ?? ['none'];
    return ![folder, ...(allowed ?? [])].some((name) => to === name || to.startsWith(`${name}/`));
  });
  expect(wrong).toEqual([]);
  expect(imports.length).toBeGreaterThan(50);
});

test('no imports under infra/ form a cycle', () => {
  expect(circlesOf(imports)).toEqual([]);
});
