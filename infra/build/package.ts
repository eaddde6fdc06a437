import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { buildFunctions, packageFolders, replaceFile } from './functions.ts';
import { noticesOf } from './notices.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = 'infra/construct/index.ts';

const run = promisify(execFile);

/**
 * Makes what the npm package has: the bundles of the functions, the construct as JavaScript and declarations, and the notices of all
 * that they contain.
 *
 * CommonJS, as aws-cdk-lib is: `require` and `import` both find it, on any Node and in any test runner.
 */
export async function buildPackage(): Promise<void> {
  const dist = join(ROOT, 'dist');
  const { outputFiles: outputs, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [ENTRY],
    outfile: join(dist, 'construct/index.js'),
    bundle: true,
    write: false,
    metafile: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    // Peers, which the user's app has; all else is inside.
    external: ['aws-cdk-lib', 'constructs'],
    // The bundles are found from where a file is: from here `../../dist/lambda`, as from `infra/build/`.
    banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
    define: { 'import.meta.url': '__url' },
    logLevel: 'warning',
  });
  for (const { path, contents } of outputs) await replaceFile(path, contents);
  // The project's own files are ESM; without this, so were these.
  await replaceFile(join(dist, 'package.json'), Buffer.from('{ "type": "commonjs" }\n'));
  const bundles = await buildFunctions();
  const folders = [...packageFolders(metafile), ...bundles.flatMap((bundle) => bundle.folders)];
  await replaceFile(join(ROOT, 'THIRD-PARTY-NOTICES'), Buffer.from(await noticesOf(ROOT, folders)));
  for (const [file, text] of await declarations()) await replaceFile(join(dist, 'types', file), Buffer.from(text));
}

/** The declarations that a user's compiler reads: those of the entry, and of what they import. */
async function declarations(): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'bullbridge-types-'));
  const tsc = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin', 'tsc');
  await run(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.package.json'), '--outDir', folder]);
  const found = new Map<string, string>();
  const files = [ENTRY];
  for (const file of files) {
    const text = await readFile(join(folder, file.replace(/\.ts$/, '.d.ts')), 'utf8');
    for (const [, to = ''] of text.matchAll(/ from '(\..*)\.ts'/g)) {
      const next = normalize(join(dirname(file), `${to}.ts`));
      if (!files.includes(next)) files.push(next);
    }
    found.set(file.replace(/\.ts$/, '.d.ts'), text.replaceAll(/( from '\..*)\.ts'/g, "$1.js'"));
  }
  await rm(folder, { recursive: true });
  return found;
}

if (import.meta.main) await buildPackage();
