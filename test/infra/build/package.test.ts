import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildFunctions } from '../../../infra/build/functions.ts';
import { COMPILER, CONSUMER } from '../../../infra/build/package.ts';
import { start } from '../../../local/process.ts';
import manifest from '../../../package.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** The feature flags of a new app. */
const flags = createRequire(import.meta.url)('aws-cdk-lib/recommended-feature-flags.json');
const MODULES = join(ROOT, 'node_modules');

/**
 * Bytes of the tarball: three bundles, the notices of what is in them, the documents, 30 kB for the consumer, and
 * little more.
 */
const LIMIT = 1_130_000;

const TIME = { timeout: 180_000 };

/** The app of a user, in test/fixtures/user-app. */
const APP = ['app.ts', 'consumer.ts'];

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** What CDK writes of the plugins that found something. */
interface Report {
  readonly violations: readonly { readonly violatingConstructs: readonly { readonly constructPath: string }[] }[];
}

let folder: string;
let packed: Packed;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bullbridge-user-'));
  expect(await outputOf(process.execPath, ['infra/build/package.ts'], ROOT)).toMatch(
    /^(dist\/lambda\/\w+\/index\.mjs {2}[\d.]+ KiB\n){3}$/,
  );
  packed = JSON.parse(
    await outputOf('npm', ['pack', '--silent', '--json', '--ignore-scripts', '--pack-destination', folder], ROOT),
  )[0];
  // As `npm install <tarball>` leaves it, with what this project has of the packages beside it.
  await mkdir(join(folder, 'node_modules/bullbridge'), { recursive: true });
  const contents = ['-xzf', packed.filename, '--strip-components=1', '-C', 'node_modules/bullbridge'];
  expect(await outputOf('tar', contents, folder)).toBe('');
  for (const name of ['aws-cdk-lib', 'constructs', 'cdk-nag', 'zod', '@types']) {
    await symlink(join(MODULES, name), join(folder, 'node_modules', name));
  }
});

afterAll(() => rm(folder, { recursive: true }));

test('the package has the construct, the consumer, declarations, schemas, bundles and documents, and nothing else', () => {
  const all = packed.files.map(({ path }) => path);
  const types = all.filter((path) => path.includes('/types/'));
  const schemas = all.filter((path) => path.startsWith('dist/schemas/'));
  const isDocument = /^(docs\/([\w-]+\.md|images\/[\w-]+\.svg)$|examples\/)/;
  const paths = all.filter((path) => !isDocument.test(path) && !types.includes(path) && !schemas.includes(path));
  expect(paths.sort()).toEqual([
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'THIRD-PARTY-NOTICES',
    'dist/construct/index.js',
    'dist/consumer.js',
    'dist/esm/consumer.js',
    'dist/esm/package.json',
    'dist/esm/payloads.js',
    'dist/esm/testing.js',
    'dist/esm/zod.js',
    'dist/lambda/forward/index.mjs',
    'dist/lambda/reconcile/index.mjs',
    'dist/lambda/redrive/index.mjs',
    'dist/package.json',
    'dist/payloads.js',
    'dist/testing.js',
    'dist/zod.js',
    'package.json',
  ]);
  const entries = ['dist/types/infra/construct/index.d.ts', 'dist/esm/types/consumer/index.d.ts'];
  expect(types).toEqual(expect.arrayContaining(entries));
  expect(types.filter((path) => !path.endsWith('.d.ts'))).toEqual([]);
  expect(schemas).toContain('dist/schemas/bullmq@JobCompleted.json');
  expect(packed.size).toBeLessThan(LIMIT);
});

test('the package has the entries that are built, with declarations for each format', () => {
  const { '.': _, './package.json': __, './schemas/*.json': ___, ...entries } = manifest.exports;

  expect(Object.keys(entries)).toEqual(Object.keys(CONSUMER).map((name) => `./${name}`));
  // For compilers that know no `exports`, as TypeScript 5 in a project of NestJS.
  const typesVersions = Object.entries(entries).map(([path, entry]) => [path.slice(2), [entry.require.types]]);
  expect(manifest.typesVersions['*']).toEqual(Object.fromEntries(typesVersions));
  for (const { import: esm, require: cjs } of Object.values(entries))
    for (const file of [esm.types, esm.default, cjs.types, cjs.default])
      expect(existsSync(join(folder, 'node_modules/bullbridge', file)), file).toBe(true);
});

test('the package depends on no other', () => {
  expect(manifest).not.toHaveProperty('private');
  expect(Object.keys(manifest.peerDependencies)).toEqual(['aws-cdk-lib', 'constructs', 'zod']);
  // A consumer needs none of them: npm would install the CDK with it.
  const optional = { optional: true };
  expect(manifest.peerDependenciesMeta).toEqual({ 'aws-cdk-lib': optional, constructs: optional, zod: optional });
  for (const kind of ['dependencies', 'optionalDependencies', 'bundleDependencies']) {
    expect(manifest).not.toHaveProperty(kind);
  }
});

test('the documents in the package link only to files in the package', async () => {
  const paths = packed.files.map(({ path }) => path);
  const documents = paths.filter((path) => path.endsWith('.md'));
  const links = await Promise.all(
    documents.map(async (document) => {
      const text = await readFile(join(ROOT, document), 'utf8');
      const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = '']) => path);
      return targets.map((target) => ({ document, path: join(dirname(document), target) }));
    }),
  );
  expect(links.flat().length).toBeGreaterThan(50);
  expect(links.flat().filter(({ path }) => !paths.includes(path))).toEqual([]);
});

test('the repository has one address', () => {
  const { repository, homepage, bugs, publishConfig } = manifest;
  const address = homepage.replace(/#.*$/, '');
  expect([repository.url, bugs.url]).toEqual([`git+${address}.git`, `${address}/issues`]);
  expect(publishConfig).toEqual({ access: 'public', provenance: true });
});

test('the notices have each package that a bundle contains', async () => {
  const notices = await readFile(join(folder, 'node_modules/bullbridge/THIRD-PARTY-NOTICES'), 'utf8');
  const bundles = await buildFunctions(join(folder, 'bundles'));
  const names = new Set(bundles.flatMap(({ packages }) => packages));
  expect(names.size).toBeGreaterThan(20);
  for (const name of [...names, 'zod', 'fastest-levenshtein']) {
    const { version } = JSON.parse(await readFile(join(MODULES, name, 'package.json'), 'utf8'));
    expect(notices).toMatch(new RegExp(`^${name} ${version.replaceAll('.', '\\.')} \\([\\w.-]+\\)$`, 'm'));
  }
  expect(notices).not.toContain('see below');
});

test('publint and attw find nothing', TIME, async () => {
  const data = await readFile(join(folder, packed.filename));
  const tarball = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const { messages } = await publint({ pack: { tarball }, strict: true });
  expect(messages).toEqual([]);
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(data)));
  expect(analysis).toMatchObject({ problems: [], types: { kind: 'included' } });
});

// What `cdk init app --language typescript` writes.
test('an app in CommonJS, with default props and with all, type-checks and synthesizes', TIME, async () => {
  const app = await createApp({ module: 'commonjs', moduleResolution: 'bundler', type: 'commonjs' }, APP);

  // That the declarations themselves are right is seen below.
  expect(await compile(app, '--skipLibCheck')).not.toContain('error');
  await expectStacks(app, await run(app, ['app.js'], { CDK_VALIDATION: 'false' }));
});

test('an app in CommonJS as Node has it does the same, and each mistake has one clear message', TIME, async () => {
  const app = await createApp({ module: 'nodenext', moduleResolution: 'nodenext', type: 'commonjs' });

  expect(await compile(app, '--skipLibCheck')).not.toContain('error');
  await expectStacks(app, await run(app, ['app.js'], { CDK_VALIDATION: 'false' }));
  await expectMessages(app);
});

test(
  'an app in ESM does so too, its declarations are right, and cdk-nag finds nothing in its stacks',
  TIME,
  async () => {
    const app = await createApp({ module: 'nodenext', moduleResolution: 'nodenext', type: 'module' });

    expect(await compile(app)).not.toContain('error');
    const log = await run(app, ['app.js']);

    await expectStacks(app, log);
    const report = await readFile(join(app, 'cdk.out/validation-report.json'), 'utf8').catch(() => log);
    const reports: Report[] = JSON.parse(report).pluginReports;
    const found = reports.flatMap(({ violations }) => violations.flatMap((violation) => violation.violatingConstructs));
    expect(new Set(found.map(({ constructPath }) => constructPath))).toEqual(new Set(['Careless/Queue/Resource']));
    await expectMessages(app);
  },
);

async function expectStacks(app: string, log: string): Promise<void> {
  const stacks = ['Defaults', 'All'].map((name) => readFile(join(app, 'cdk.out', `${name}.template.json`), 'utf8'));
  for (const template of await Promise.all(stacks)) expect(template, log).toContain('AWS::Lambda::Function');
}

/** What the construct answers to each mistake, and that production has everything it needs. */
async function expectMessages(app: string): Promise<void> {
  const printed = await run(app, ['--import', './mistakes.js', 'production.js'], { CDK_VALIDATION: 'false' });
  const lines = printed.split('\n');
  for (const [i, name] of ['mistakes', 'production'].entries())
    await expect(`${JSON.stringify(JSON.parse(lines[i] ?? ''), null, 2)}\n`).toMatchFileSnapshot(
      join(ROOT, `test/fixtures/user-app/${name}.json`),
    );
}

/** A folder with programs of a user, in a module format. */
async function createApp(
  { type, ...options }: { module: string; moduleResolution: string; type: string },
  files: readonly string[] = [...APP, 'mistakes.ts', 'production.ts'],
) {
  const app = await mkdtemp(join(folder, 'app-'));
  await writeFile(join(app, 'package.json'), JSON.stringify({ type }));
  for (const file of files) await cp(join(ROOT, 'test/fixtures/user-app', file), join(app, file));
  const compilerOptions = { ...options, target: 'es2022', lib: ['es2022'], strict: true, types: ['node'] };
  await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  return app;
}

function compile(app: string, ...options: readonly string[]): Promise<string> {
  return outputOf(process.execPath, [...COMPILER, '-p', app, ...options], app);
}

/** Without the environment of the tests, which leaves out CDK's own validation. */
function run(app: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<string> {
  return outputOf(process.execPath, args, app, {
    PATH: process.env['PATH'],
    TMPDIR: process.env['TMPDIR'],
    CDK_OUTDIR: join(app, 'cdk.out'),
    CDK_CONTEXT_JSON: JSON.stringify(flags),
    ...environment,
  });
}

/** What a program prints, also where it fails. */
async function outputOf(command: string, args: readonly string[], cwd: string, env = process.env): Promise<string> {
  const child = start(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  return (await Promise.all([child.stdout, child.stderr].map((stream) => text(stream as Readable)))).join('');
}
