import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../functions', import.meta.url));

/** The layers that a layer may import, besides itself; folders, and files of the root. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  redis: ['errors.ts'],
  stream: ['redis', 'errors.ts'],
  event: ['stream', 'errors.ts'],
  bus: ['event', 'errors.ts'],
  checkpoint: ['stream', 'errors.ts'],
  'defaults.ts': [],
  'metrics.ts': [],
  'schemas.ts': [],
  'start-from.ts': [],
  'settings.ts': ['redis', 'event', 'errors.ts', 'defaults.ts', 'schemas.ts', 'start-from.ts'],
  'telemetry.ts': ['settings.ts', 'metrics.ts'],
  'clients.ts': ['redis', 'stream', 'event', 'bus', 'checkpoint', 'errors.ts', 'settings.ts'],
  'invocation.ts': ['clients.ts', 'settings.ts', 'telemetry.ts', 'errors.ts'],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Every relative import of a file, types included. */
function importsOf(file: string): Import[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  return [...source.matchAll(/(?:from|import\() ?'(\.[^']+)'/g)].map(([, path = '']) => ({
    from: file,
    to: join(dirname(file), path),
  }));
}

const files = globSync('**/*.ts', { cwd: ROOT }).sort();
const functions = globSync('*/handler.ts', { cwd: ROOT }).map(dirname);
const imports = files.flatMap(importsOf);
const layerOf = (file: string) => file.split('/')[0] as string;
const describeImport = ({ from, to }: Import) => `${from} imports ${to}`;

describe('imports under functions/', () => {
  test('every file belongs to a function or to a layer of the list', () => {
    const known = new Set([...functions, ...Object.keys(MAY_IMPORT)]);
    expect(files.filter((file) => !known.has(layerOf(file)) && !file.endsWith('.d.ts'))).toEqual([]);
  });

  test('a layer imports only the layers below it', () => {
    const wrong = imports.filter(({ from, to }) => {
      const allowed = MAY_IMPORT[layerOf(from)];
      return allowed && layerOf(from) !== layerOf(to) && !allowed.includes(layerOf(to));
    });
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test('a function imports no other function', () => {
    const wrong = imports.filter(
      ({ from, to }) =>
        functions.includes(layerOf(from)) && functions.includes(layerOf(to)) && layerOf(from) !== layerOf(to),
    );
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test('no imports form a circle', () => {
    const targets = Map.groupBy(imports, ({ from }) => from);
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]) => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' > '));
      if (path.includes(file) || done.has(file)) return;
      for (const { to } of targets.get(file) ?? []) visit(to, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  test('only invocation.ts reads the environment, for settings.ts', () => {
    const readers = files.filter((file) => /process\.env/.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(readers).toEqual(['invocation.ts']);
  });
});

describe('imports under consumer/', () => {
  const folder = join(ROOT, '../consumer');
  const imported = globSync('**/*.ts', { cwd: folder }).flatMap((file) => {
    const source = readFileSync(join(folder, file), 'utf8');
    return [...source.matchAll(/^(?:import|export) (type )?[^;]*? from '([^']+)'/gms)].map(([, type, path = '']) => ({
      from: file,
      to: path.startsWith('.') ? join('consumer', dirname(file), path) : path,
      isType: type !== undefined,
    }));
  });

  test('take from functions/ only the table of events, and types', () => {
    const others = imported.filter(({ to }) => to.startsWith('.') || /^(functions|infra|local|test)\//.test(to));
    const wrong = others.filter(
      ({ to, isType }) => to !== 'functions/event/catalogue.ts' && !(isType && to === 'functions/event/detail.ts'),
    );

    expect(others.length).toBeGreaterThan(3);
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test('take no package but zod, which only its schemas take', () => {
    const packages = imported.filter(({ to }) => !/^(consumer|functions)\//.test(to) && !to.startsWith('node:'));

    expect(packages.map(describeImport).sort()).toEqual(['json-schemas.ts imports zod', 'zod.ts imports zod']);
  });
});
