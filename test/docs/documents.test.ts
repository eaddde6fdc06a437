import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fillPage } from '../../docs/tables.ts';
import type { Setting } from '../../infra/construct/setting.ts';
import { SETTINGS } from '../../infra/construct/settings.ts';
import { ROOT, readPage, readPages } from './pages.ts';

/** As GitHub makes the anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

describe.each(await readPages('*.md', 'docs/*.md'))('$file', ({ file, text }) => {
  test('has the tables and the address from the code; `npm run docs` writes them', () => {
    expect(text).toBe(fillPage(text, file));
  });

  test('links only to existing pages and headings', async () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, target = '']) => target);
    for (const target of targets) {
      const [path = '', anchor] = target.split('#');
      const linked = path === '' ? file : join(dirname(file), path);
      expect(existsSync(join(ROOT, linked)), target).toBe(true);
      if (anchor === undefined) continue;
      const anchors = [...(await readPage(linked)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        anchorOf(heading),
      );
      expect(anchors, target).toContain(anchor);
    }
  });

  test('names only commands that package.json has', async () => {
    const { scripts } = JSON.parse(await readPage('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name);

    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });
});

test('docs/README.md has each page once, in one line', async () => {
  const listed = [...(await readPage('docs/README.md')).matchAll(/^- \[.+?\]\(([\w-]+\.md)\): .+\.$/gm)];
  const pages = (await readPages('docs/*.md')).map(({ file }) => file);

  expect(['docs/README.md', ...listed.map(([, page]) => `docs/${page}`)].sort()).toEqual(pages.sort());
});

test('the table of settings has the prop of each option but the name of the stack', () => {
  const without = (SETTINGS as readonly Setting[]).flatMap(({ option, props, prop }) =>
    option === undefined || props || prop ? [] : [option],
  );

  expect(without).toEqual(['stackName']);
});
