import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { fillTables } from '../../docs/tables.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCUMENTS = await Array.fromAsync(glob(['*.md', 'docs/*.md'], { cwd: ROOT }));

const read = (file: string) => readFile(join(ROOT, file), 'utf8');

/** As GitHub makes the anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

describe.each(DOCUMENTS)('%s', (file) => {
  test('has the tables that the code gives; `npm run docs` writes them', async () => {
    const text = await read(file);

    expect(text).toBe(fillTables(text));
  });

  test('links only to what is there', async () => {
    const targets = [...(await read(file)).matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, target = '']) => target);
    for (const target of targets) {
      const [path = '', anchor] = target.split('#');
      const linked = path === '' ? file : join(dirname(file), path);
      expect(existsSync(join(ROOT, linked)), target).toBe(true);
      if (anchor === undefined) continue;
      const anchors = [...(await read(linked)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
      expect(anchors, target).toContain(anchor);
    }
  });

  test('names only commands that package.json has', async () => {
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
    const named = [...(await read(file)).matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name);

    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });
});
