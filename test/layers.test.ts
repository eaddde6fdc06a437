import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { circlesOf, type Import, readImports } from './imports.ts';

/** The layers that a layer may import, besides itself; folders, and files of the root. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'aws-identity.ts': [],
  'patience.ts': [],
  redis: ['errors.ts', 'patience.ts', 'aws-identity.ts'],
  stream: ['redis', 'errors.ts'],
  event: ['stream', 'errors.ts'],
  bus: ['event', 'errors.ts', 'patience.ts', 'aws-identity.ts'],
  checkpoint: ['stream', 'errors.ts', 'patience.ts'],
  'defaults.ts': [],
  'metrics.ts': [],
  'schemas.ts': [],
  'start-from.ts': [],
  'settings.ts': ['redis', 'event', 'errors.ts', 'defaults.ts', 'schemas.ts', 'start-from.ts'],
  'telemetry.ts': ['event', 'settings.ts', 'metrics.ts'],
  'clients.ts': ['redis', 'stream', 'event', 'bus', 'checkpoint', 'errors.ts', 'settings.ts'],
  'invocation.ts': ['clients.ts', 'bus', 'settings.ts', 'telemetry.ts', 'errors.ts'],
};

const { files, imports } = readImports('functions');
const functions = files.flatMap((file) => /^functions\/(\w+)\/handler\.ts$/.exec(file)?.[1] ?? []);
const layerOf = (file: string) => file.split('/')[1] as string;
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

  test('no imports form a cycle', () => {
    expect(circlesOf(imports)).toEqual([]);
  });

  test('only invocation.ts reads the environment', () => {
    const readers = files.filter((file) =>
      /process\.env/.test(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')),
    );
    expect(readers).toEqual(['functions/invocation.ts']);
  });
});

describe('imports under consumer/', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const imported = globSync('consumer/**/*.ts', { cwd: root }).flatMap((from) => {
    const source = readFileSync(join(root, from), 'utf8');
    return [...source.matchAll(/^(?:import|export) (type )?[^;]*? from '([^']+)'/gms)].map(([, type, path = '']) => ({
      from,
      to: path.startsWith('.') ? join(dirname(from), path) : path,
      isType: type !== undefined,
    }));
  });

  test('import from functions/ only the table of events, and types', () => {
    const others = imported.filter(({ to }) => to.startsWith('.') || /^(functions|infra|local|test)\//.test(to));
    const wrong = others.filter(
      ({ to, isType }) => to !== 'functions/event/catalogue.ts' && !(isType && to === 'functions/event/detail.ts'),
    );

    expect(others.length).toBeGreaterThan(3);
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test('import no package except zod, which only the schemas import', () => {
    const packages = imported.filter(({ to }) => !/^(consumer|functions)\//.test(to) && !to.startsWith('node:'));

    expect(packages.map(describeImport).sort()).toEqual([
      'consumer/json-schemas.ts imports zod',
      'consumer/zod.ts imports zod',
    ]);
  });
});
