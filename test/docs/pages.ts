import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A Markdown file of the project, by its path from the root. */
export interface Page {
  readonly file: string;
  readonly text: string;
}

/** Reads the pages that match a pattern, such as `docs/*.md`. */
export async function readPages(...patterns: readonly string[]): Promise<Page[]> {
  const files = await Array.fromAsync(glob(patterns, { cwd: ROOT }));
  return Promise.all(files.map(async (file) => ({ file, text: await readPage(file) })));
}

export function readPage(file: string): Promise<string> {
  return readFile(join(ROOT, file), 'utf8');
}

/** The blocks of shell commands in a text, also those in lists. */
export function shellBlocks(text: string): string[] {
  return [...text.matchAll(/^( *)```sh\n(.*?)^\1```$/gms)].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}
