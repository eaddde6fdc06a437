import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildFunctions } from '../../infra/build.ts';
import { buildPackage } from '../../infra/package.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The feature flags of a new app. */
const flags = createRequire(import.meta.url)('aws-cdk-lib/recommended-feature-flags.json');
const MODULES = join(ROOT, 'node_modules');

/** Bytes of the tarball: three bundles, and little more. */
const LIMIT = 1_000_000;

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
  await buildFunctions();
  await buildPackage();
  folder = await mkdtemp(join(tmpdir(), 'bullbridge-user-'));
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: ROOT,
  });
  packed = JSON.parse(stdout)[0];
  // As `npm install <tarball>` leaves it, with what this project has of the packages beside it.
  await mkdir(join(folder, 'node_modules/bullbridge'), { recursive: true });
  await run('tar', ['-xzf', packed.filename, '--strip-components=1', '-C', 'node_modules/bullbridge'], { cwd: folder });
  for (const name of ['aws-cdk-lib', 'constructs', 'cdk-nag', '@types']) {
    await symlink(join(MODULES, name), join(folder, 'node_modules', name));
  }
  await cp(join(ROOT, 'test/fixtures/user-app/app.ts'), join(folder, 'app.ts'));
});

afterAll(() => rm(folder, { recursive: true }));

test('the package is the construct, its declarations and the bundles, and nothing else', () => {
  const paths = packed.files.map(({ path }) => path).filter((path) => !path.startsWith('dist/types/'));
  expect(paths.sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dist/index.js',
    'dist/lambda/forward/index.mjs',
    'dist/lambda/reconcile/index.mjs',
    'dist/lambda/redrive/index.mjs',
    'dist/package.json',
    'package.json',
  ]);
  const types = packed.files.map(({ path }) => path).filter((path) => path.startsWith('dist/types/'));
  expect(types).toContain('dist/types/infra/index.d.ts');
  expect(types.filter((path) => !path.endsWith('.d.ts'))).toEqual([]);
  expect(packed.size).toBeLessThan(LIMIT);
});

test('the package brings no other', async () => {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  expect(manifest).not.toHaveProperty('private');
  expect(Object.keys(manifest.peerDependencies)).toEqual(['aws-cdk-lib', 'constructs']);
  for (const kind of ['dependencies', 'optionalDependencies', 'bundleDependencies']) {
    expect(manifest).not.toHaveProperty(kind);
  }
});

describe.for([
  // What `cdk init app --language typescript` writes.
  ['CommonJS', { module: 'commonjs', moduleResolution: 'bundler' }, 'commonjs'],
  ['CommonJS as Node has it', { module: 'nodenext', moduleResolution: 'nodenext' }, 'commonjs'],
  ['ESM', { module: 'nodenext', moduleResolution: 'nodenext' }, 'module'],
] as const)('in an app in %s, with default props and with all', ([, options, type]) => {
  test('it type-checks, synthesizes, and cdk-nag finds nothing in it', { timeout: 180_000 }, async () => {
    const app = join(folder, `app-${options.module}-${type}`);
    await mkdir(app);
    await writeFile(join(app, 'package.json'), JSON.stringify({ type }));
    await cp(join(folder, 'app.ts'), join(app, 'app.ts'));
    const compilerOptions = { ...options, target: 'es2022', lib: ['es2022'], strict: true, types: ['node'] };
    await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
    const tsc = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin', 'tsc');
    expect(await outputOf(process.execPath, [tsc, '-p', app], app)).not.toContain('error');
    // Without CDK_VALIDATION=false, which the other tests have.
    const env = {
      PATH: process.env['PATH'],
      CDK_OUTDIR: join(app, 'cdk.out'),
      CDK_CONTEXT_JSON: JSON.stringify(flags),
    };
    const log = await outputOf(process.execPath, ['app.js'], app, env);
    const report = await readFile(join(app, 'cdk.out/validation-report.json'), 'utf8').catch(() => log);
    const reports: Report[] = JSON.parse(report).pluginReports;
    const found = reports.flatMap(({ violations }) => violations.flatMap((violation) => violation.violatingConstructs));
    expect(new Set(found.map(({ constructPath }) => constructPath))).toEqual(new Set(['Careless/Queue/Resource']));
    const stacks = ['Defaults', 'All'].map((name) => readFile(join(app, 'cdk.out', `${name}.template.json`), 'utf8'));
    for (const template of await Promise.all(stacks)) expect(template).toContain('AWS::Lambda::Function');
  });
});

/** What a program prints, also where it fails. */
async function outputOf(file: string, args: string[], cwd: string, env?: NodeJS.ProcessEnv): Promise<string> {
  const output = await run(file, args, { cwd, env }).catch((failed: { stdout: string; stderr: string }) => failed);
  return `${output.stdout}${output.stderr}`;
}
