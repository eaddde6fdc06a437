import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BUNDLE_FILE, BUNDLES } from './bundle.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// The CommonJS packages in a bundle (ioredis is one) ask for Node's own modules with a `require` that ESM does not have.
const BANNER = "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);";

/** What was built of one function. */
export interface Bundle {
  /** Name of the function: its folder in `functions/`. */
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  /** The npm packages in it. */
  readonly packages: readonly string[];
}

/**
 * Bundles every function, a folder of `functions/` with a `handler.ts`, into one self-contained ESM file.
 *
 * The same sources give the same bytes, wherever the clone is: only a change of code changes what is deployed.
 */
export async function buildFunctions(outDir: string = BUNDLES): Promise<Bundle[]> {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: ['functions/*/handler.ts'],
    outdir: outDir,
    outbase: 'functions',
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
    logLevel: 'warning',
  });
  const outputs = Object.values(result.metafile.outputs);
  const bundles = result.outputFiles.map(async ({ contents }, index): Promise<Bundle> => {
    const { entryPoint = '', inputs = {} } = outputs[index] ?? {};
    const name = entryPoint.split('/')[1] ?? '';
    const file = join(outDir, name, BUNDLE_FILE);
    await replaceFile(file, contents);
    return { name, file, bytes: contents.byteLength, packages: packagesOf(Object.keys(inputs)) };
  });
  return Promise.all(bundles);
}

/** Writes beside the file and renames, so that whoever reads a bundle while it is built again gets a whole one. */
async function replaceFile(file: string, contents: Uint8Array): Promise<void> {
  const written = `${file}.${process.pid}`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(written, contents);
  await rename(written, file);
}

function packagesOf(inputs: readonly string[]): string[] {
  const names = inputs.flatMap((input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []);
  return [...new Set(names)].sort();
}

if (import.meta.main) {
  for (const { name, bytes } of await buildFunctions()) {
    // To stderr: the output of `cdk synth` is the template.
    console.error(`dist/lambda/${name}/${BUNDLE_FILE}  ${(bytes / 1024).toFixed(1)} KiB`);
  }
}
