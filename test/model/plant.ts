import { randomUUID } from 'node:crypto';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Parts } from '../forward/world.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A change of one place in one file. */
export interface Bug {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Makes a copy of `functions/` with a bug planted in it, and loads it.
 *
 * @throws {Error} where the code has not exactly one such place: the bug is to be planted anew
 */
export async function plant({ file, from, to }: Bug): Promise<Parts> {
  // Inside the project, so that packages are found.
  const copy = join(ROOT, '.mutants', randomUUID());
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  await cp(join(ROOT, 'functions'), copy, { recursive: true });
  const path = join(copy, file);
  const code = await readFile(path, 'utf8');
  const places = code.split(from).length - 1;
  if (places !== 1) throw new Error(`functions/${file} has ${places} places with ${JSON.stringify(from)}, not one`);
  await writeFile(
    path,
    code.replace(from, () => to),
  );
  const { forward } = await import(join(copy, 'forward/run.ts'));
  const { createPublisher } = await import(join(copy, 'bus/publish.ts'));
  return { forward, createPublisher };
}
