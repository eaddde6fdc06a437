import { randomUUID } from 'node:crypto';
import { glob, mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import { BUNDLE_FILE, BUNDLES, bundleFile } from './bundle.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

// CommonJS packages in a bundle, such as ioredis, load Node's own modules with `require`, which ESM does not have.
const BANNER = "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);";

/**
 * Loads `node:http` with `require`. An import reads all of its exports, and to read `WebSocket` loads Node's own copy of
 * undici, which takes 35 of the 290 ms of a cold start.
 */
const REQUIRE_HTTP: Plugin = {
  name: 'require-http',
  setup(build) {
    const namespace = 'require';
    build.onResolve({ filter: /^node:http$/ }, ({ path, kind }) =>
      kind === 'require-call' ? undefined : { path, namespace },
    );
    build.onLoad({ filter: /./, namespace }, ({ path }) => ({ contents: `module.exports = require('${path}')` }));
  },
};

/** The built bundle of one function. */
export interface Bundle {
  /** Name of the function: its folder in `functions/`. */
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  /** The npm packages in it. */
  readonly packages: readonly string[];
  /** The folders of those packages. */
  readonly folders: readonly string[];
}

/**
 * Bundles every function, a folder of `functions/` with a `handler.ts`, into one self-contained ESM file.
 *
 * The same sources give the same bytes wherever the clone is, so only a change of code changes the deployed function.
 */
export async function buildFunctions(outDir: string = BUNDLES): Promise<Bundle[]> {
  const handlers = await Array.fromAsync(glob('functions/*/handler.ts', { cwd: ROOT }));
  const names = handlers.map((handler) => basename(dirname(handler)));
  return Promise.all(names.sort().map((name) => buildFunction(name, outDir)));
}

/** Bundles one function, as `buildFunctions` does. */
export async function buildFunction(name: string, outDir: string = BUNDLES): Promise<Bundle> {
  const file = bundleFile(name, outDir);
  const { outputFiles: outputs, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [`functions/${name}/handler.ts`],
    outfile: file,
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    banner: { js: BANNER },
    // undici's own switch: it leaves out a parser, which saves 165 kB.
    define: { esbuildDetection: 'true' },
    plugins: [REQUIRE_HTTP],
    logLevel: 'warning',
  });
  const [output] = outputs;
  if (output === undefined) throw new Error(`esbuild made no bundle of functions/${name}`);
  await replaceFile(file, output.contents);
  const folders = packageFolders(metafile);
  return { name, file, bytes: output.contents.byteLength, packages: folders.map(nameOf), folders };
}

/** Renames a finished file into its place, so that a reader never gets a part of it. */
export async function replaceFile(file: string, contents: Uint8Array): Promise<void> {
  const folder = dirname(file);
  // Next to the folder of the file, because everything in the folder of a function is deployed.
  const finished = `${folder}.${randomUUID()}`;
  await mkdir(folder, { recursive: true });
  await writeFile(finished, contents);
  await rename(finished, file);
}

/** The folders of the npm packages that a build took files from. */
export function packageFolders({ inputs }: Metafile): string[] {
  const folders = Object.keys(inputs).flatMap((input) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []);
  return [...new Set(folders)].sort();
}

function nameOf(folder: string): string {
  return folder.replace(/.*node_modules\//, '');
}

/** Prints where the bundles are and how large. To stderr, because the output of `cdk synth` is the template. */
export function printSizes(bundles: readonly Bundle[]): void {
  for (const { name, bytes } of bundles) {
    console.error(`dist/lambda/${name}/${BUNDLE_FILE}  ${(bytes / 1024).toFixed(1)} KiB`);
  }
}
