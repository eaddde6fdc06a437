import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';

export interface Import {
  readonly from: string;
  readonly to: string;
}

/** The TypeScript files of folders of the repository, and their relative imports of each other, types included. */
export function readImports(...folders: readonly string[]) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const files = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }).sort());
  const imports = files.flatMap((from): Import[] => {
    const source = readFileSync(join(root, from), 'utf8');
    const paths = [...source.matchAll(/(?:from|import\() ?'(\.[^']+)'/g)].map(([, path = '']) => path);
    return paths.map((path) => ({ from, to: join(dirname(from), path) }));
  });
  return { files, imports };
}

/** The circles that imports form, each as `a.ts > b.ts > a.ts`. */
export function circlesOf(imports: readonly Import[]): string[] {
  const targets = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' > '));
    if (path.includes(file) || done.has(file)) return;
    for (const { to } of targets.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return circles;
}
