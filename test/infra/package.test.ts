import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { start } from '../../local/process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The feature flags of a new app. */
const flags = createRequire(import.meta.url)('aws-cdk-lib/recommended-feature-flags.json');
const MODULES = join(ROOT, 'node_modules');

/** Bytes of the tarball: three bundles, and 30 kB for the consumer, in two formats, and its schemas. */
const LIMIT = 1_030_000;

const TIME = { timeout: 180_000 };

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
  expect(await outputOf(process.execPath, ['infra/package.ts'], ROOT)).toBe('');
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

test('the package is the construct, the consumer, declarations, schemas and the bundles, and nothing else', () => {
  const paths = packed.files.map(({ path }) => path);
  const isOf = (folder: string) => (path: string) => path.startsWith(`dist/${folder}/`);
  const [types, schemas] = [paths.filter((path) => path.includes('/types/')), paths.filter(isOf('schemas'))];
  expect(paths.filter((path) => !types.includes(path) && !schemas.includes(path)).sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dist/consumer.js',
    'dist/esm/consumer.js',
    'dist/esm/package.json',
    'dist/esm/payloads.js',
    'dist/esm/testing.js',
    'dist/esm/zod.js',
    'dist/index.js',
    'dist/lambda/forward/index.mjs',
    'dist/lambda/reconcile/index.mjs',
    'dist/lambda/redrive/index.mjs',
    'dist/package.json',
    'dist/payloads.js',
    'dist/testing.js',
    'dist/zod.js',
    'package.json',
  ]);
  expect(types).toEqual(expect.arrayContaining(['dist/types/infra/index.d.ts', 'dist/esm/types/consumer/index.d.ts']));
  expect(types.filter((path) => !path.endsWith('.d.ts'))).toEqual([]);
  expect(schemas).toContain('dist/schemas/bullmq@JobCompleted.json');
  expect(packed.size).toBeLessThan(LIMIT);
});

test('the package depends on no other', async () => {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  expect(manifest).not.toHaveProperty('private');
  expect(Object.keys(manifest.peerDependencies)).toEqual(['aws-cdk-lib', 'constructs', 'zod']);
  // A consumer needs none of them: npm would install the CDK beside it.
  expect(Object.keys(manifest.peerDependenciesMeta)).toEqual(Object.keys(manifest.peerDependencies));
  for (const kind of ['dependencies', 'optionalDependencies', 'bundleDependencies']) {
    expect(manifest).not.toHaveProperty(kind);
  }
});

test.for([
  // What `cdk init app --language typescript` writes.
  ['CommonJS', { module: 'commonjs', moduleResolution: 'bundler', type: 'commonjs' }],
  ['CommonJS as Node has it', { module: 'nodenext', moduleResolution: 'nodenext', type: 'commonjs' }],
] as const)('an app in %s, with default props and with all, type-checks and synthesizes', TIME, async ([, format]) => {
  const app = await createApp(format);

  // That the declarations themselves are right is seen below.
  expect(await compile(app, ['--skipLibCheck'])).not.toContain('error');
  const log = await synthesize(app, { CDK_VALIDATION: 'false' });

  await expectStacks(app, log);
});

test(
  'an app in ESM does so as well, its declarations are right, and cdk-nag finds nothing in its stacks',
  TIME,
  async () => {
    const app = await createApp({ module: 'nodenext', moduleResolution: 'nodenext', type: 'module' });

    expect(await compile(app)).not.toContain('error');
    const log = await synthesize(app);

    await expectStacks(app, log);
    const report = await readFile(join(app, 'cdk.out/validation-report.json'), 'utf8').catch(() => log);
    const reports: Report[] = JSON.parse(report).pluginReports;
    const found = reports.flatMap(({ violations }) => violations.flatMap((violation) => violation.violatingConstructs));
    expect(new Set(found.map(({ constructPath }) => constructPath))).toEqual(new Set(['Careless/Queue/Resource']));
  },
);

async function expectStacks(app: string, log: string): Promise<void> {
  const stacks = ['Defaults', 'All'].map((name) => readFile(join(app, 'cdk.out', `${name}.template.json`), 'utf8'));
  for (const template of await Promise.all(stacks)) expect(template, log).toContain('AWS::Lambda::Function');
}

/** A folder with the user's app, in a module format. */
async function createApp({ type, ...options }: { module: string; moduleResolution: string; type: string }) {
  const app = await mkdtemp(join(folder, 'app-'));
  await writeFile(join(app, 'package.json'), JSON.stringify({ type }));
  await cp(join(ROOT, 'test/fixtures/user-app'), app, { recursive: true });
  const compilerOptions = { ...options, target: 'es2022', lib: ['es2022'], strict: true, types: ['node'] };
  await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts', 'consumer.ts'] }));
  return app;
}

function compile(app: string, options: readonly string[] = []): Promise<string> {
  const tsc = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin', 'tsc');
  return outputOf(process.execPath, [tsc, '-p', app, ...options], app);
}

/** Without the environment of the tests, which leaves out CDK's own validation. */
function synthesize(app: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  return outputOf(process.execPath, ['app.js'], app, {
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
