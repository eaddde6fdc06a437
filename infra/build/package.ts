import { execFile } from 'node:child_process';
import { glob, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { type Bundle, buildFunctions, packageFolders, printSizes, replaceFile } from './functions.ts';
import { noticesOf } from './notices.ts';
import { buildSchemas } from './schemas.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'dist');

/** The construct: CommonJS only, like aws-cdk-lib; both `require` and `import` can load it. */
const CONSTRUCT = { 'construct/index': 'infra/construct/index.ts' };

/** The entries for consumers, in CommonJS and ESM. */
export const CONSUMER = {
  consumer: 'consumer/index.ts',
  payloads: 'consumer/payloads.ts',
  zod: 'consumer/zod.ts',
  testing: 'consumer/testing/index.ts',
};

/** In the root, where npm shows it. */
const NOTICES = 'THIRD-PARTY-NOTICES';

/** The compiler, as arguments of Node. One thread takes as long as several, and a third less processor time. */
export const COMPILER = [
  join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin', 'tsc'),
  '--singleThreaded',
];

const run = promisify(execFile);

/**
 * Builds the content of the npm package: the bundles of the functions, the construct and the consumer as JavaScript and
 * declarations, the schemas, and the notices of all packages in them.
 */
export async function buildPackage(): Promise<Bundle[]> {
  const construct = await bundle(CONSTRUCT, 'cjs', DIST, {
    // Peer dependencies, which the user's app provides; the bundle contains all other packages.
    packages: 'bundle',
    external: ['aws-cdk-lib', 'constructs'],
    mainFields: ['module', 'main'],
    // The construct finds the bundles relative to its own file: `../../dist/lambda`, as from `infra/build/`.
    banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
    define: { 'import.meta.url': '__url' },
  });
  const consumers = await buildConsumer();
  const bundles = await buildFunctions();
  const folders = [...[construct, ...consumers].flatMap(packageFolders), ...bundles.flatMap((each) => each.folders)];
  // Written to `dist` first: replaceFile would write next to the project, where it may have no right to write.
  const notices = join(DIST, NOTICES);
  await write(notices, await noticesOf(ROOT, folders));
  await rename(notices, join(ROOT, NOTICES));
  const emitted = await emitDeclarations();
  const entries = Object.values(CONSUMER);
  for (const [file, text] of reachable(emitted, [...Object.values(CONSTRUCT), ...entries]))
    await write(join(DIST, 'types', file), text);
  // A package.json decides the format of its declarations, so each format has its own copy.
  for (const [file, text] of reachable(emitted, entries)) await write(join(DIST, 'esm/types', file), text);
  return bundles;
}

/** Builds what a consumer loads: its entries as JavaScript in both formats, and the schemas. */
export async function buildConsumer(): Promise<Metafile[]> {
  await buildSchemas();
  return [await bundle(CONSUMER, 'cjs', DIST), await bundle(CONSUMER, 'esm', join(DIST, 'esm'))];
}

async function bundle(
  entryPoints: Readonly<Record<string, string>>,
  format: 'cjs' | 'esm',
  outdir: string,
  options: BuildOptions = {},
): Promise<Metafile> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints,
    outdir,
    bundle: true,
    write: false,
    metafile: true,
    format,
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
    ...options,
  });
  for (const { path, contents } of outputFiles ?? []) await replaceFile(path, contents);
  // The package.json of the project would make all of them ESM.
  await write(join(outdir, 'package.json'), `{ "type": "${format === 'cjs' ? 'commonjs' : 'module'}" }\n`);
  return metafile as Metafile;
}

/** The declarations of all sources of the package, by file name. */
async function emitDeclarations(): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'bullbridge-types-'));
  await run(process.execPath, [...COMPILER, '-p', join(ROOT, 'tsconfig.package.json'), '--outDir', folder]);
  const emitted = new Map<string, string>();
  for await (const file of glob('**/*.d.ts', { cwd: folder }))
    emitted.set(file, await readFile(join(folder, file), 'utf8'));
  await rm(folder, { recursive: true });
  return emitted;
}

/** The declarations that a user's compiler reads: those of the entries and of their imports. */
function reachable(emitted: ReadonlyMap<string, string>, entries: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const files = [...entries];
  for (const source of files) {
    const file = source.replace(/\.ts$/, '.d.ts');
    const text = emitted.get(file) ?? '';
    for (const [, to = ''] of text.matchAll(/ from '(\..*)\.ts'/g)) {
      const next = normalize(join(dirname(file), `${to}.ts`));
      if (!files.includes(next)) files.push(next);
    }
    found.set(file, text.replaceAll(/( from '\..*)\.ts'/g, "$1.js'"));
  }
  return found;
}

function write(file: string, text: string): Promise<void> {
  return replaceFile(file, Buffer.from(text));
}

if (import.meta.main) printSizes(await buildPackage());
