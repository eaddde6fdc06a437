import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly author?: string | { readonly name: string };
}

/** Files with the terms of a package. */
const TERMS = '{LICENSE,LICENCE,COPYING,NOTICE}*';
const RULE = `${'-'.repeat(80)}\n`;

/**
 * The notices of the packages in the bundles: names, versions, licences and terms. Packages with the same terms share
 * one notice.
 *
 * @param folders of the packages, relative to the root
 * @throws Error for a package that does not name its licence
 */
export async function noticesOf(root: string, folders: readonly string[]): Promise<string> {
  const packages = await Promise.all([...new Set(folders)].map((folder) => readPackage(join(root, folder))));
  const byTerms = Map.groupBy(packages, ({ terms }) => terms);
  const notices = [...byTerms].map(([terms, some]) => {
    const titles = [...new Set(some.map(({ title }) => title))].sort();
    return `${RULE}${titles.join('\n')}\n${RULE}\n${terms}\n`;
  });
  return `bullbridge contains code of these packages, each under its own terms.\n\n${notices.sort().join('\n')}`;
}

async function readPackage(folder: string): Promise<{ readonly title: string; readonly terms: string }> {
  const manifest: Manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const { name, version, license, author } = manifest;
  const files = await Array.fromAsync(glob(TERMS, { cwd: folder }));
  const texts = await Promise.all(files.sort().map((file) => readFile(join(folder, file), 'utf8')));
  if (license === undefined && texts.length === 0) throw new Error(`the package ${name} ${version} has no licence`);
  const owner = typeof author === 'string' ? author : author?.name;
  const terms =
    texts.length > 0 ? texts.map((text) => text.trim()) : [`Copyright ${owner ?? `the authors of ${name}`}`];
  return { title: `${name} ${version} (${license ?? 'see below'})`, terms: terms.join('\n\n') };
}
