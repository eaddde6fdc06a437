import { expect, test } from 'vitest';
import { readPage } from './pages.ts';

const readme = await readPage('README.md');
/** Without code: what a reader reads. */
const prose = readme.replaceAll(/^ *```.*?^ *```$/gms, '');

test('the README has about 900 words', () => {
  expect(prose.split(/\s+/).length).toBeLessThanOrEqual(1000);
});

test('has the two commands as they are typed', () => {
  for (const command of ['npm ci && npm start', 'npm ci && npm test']) expect(readme).toContain(`\n${command}\n`);
});

test('has no figure of performance that the benchmarks do not have', async () => {
  const [, section = ''] = /^## Performance\n(.*?)^## /ms.exec(readme) ?? [];
  const figures = Array.from(section.matchAll(/\*\*(.+?)\*\*/g), ([, figure = '']) => figure);
  const benchmarks = await readPage('docs/benchmarks.md');

  expect(figures.length).toBeGreaterThan(3);
  for (const figure of figures) expect(benchmarks).toContain(figure);
});
