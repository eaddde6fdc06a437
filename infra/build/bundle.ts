import { fileURLToPath } from 'node:url';

/** The folder of all bundles: the same files are deployed, run on this machine and tested. */
export const BUNDLES = fileURLToPath(new URL('../../dist/lambda', import.meta.url));

/** The file that is the whole of a function; Lambda finds its export `handler` as `index.handler`. */
export const BUNDLE_FILE = 'index.mjs';
