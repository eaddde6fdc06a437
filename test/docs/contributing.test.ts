import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, readPage } from './pages.ts';

test('CONTRIBUTING.md names only files that exist', async () => {
  const text = await readPage('CONTRIBUTING.md');
  const named = Array.from(text.matchAll(/`((?:\.ci|functions|consumer|infra|local|test|bench|docs)\/[^`\s]*)`/g));
  const missing = named.map(([, path = '']) => path).filter((path) => !existsSync(join(ROOT, path)));

  expect(named.length).toBeGreaterThan(30);
  expect(missing).toEqual([]);
});
