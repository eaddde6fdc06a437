import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of all bundles: `npm start` and the tests run the same files that are deployed. */
export const BUNDLES = fileURLToPath(new URL('../../dist/lambda', import.meta.url));

/** The folder of the JSON schemas of all events. */
export const SCHEMAS = fileURLToPath(new URL('../../dist/schemas', import.meta.url));

/** The only file of a function; Lambda finds its export `handler` as `index.handler`. */
export const BUNDLE_FILE = 'index.mjs';

/** Where the built bundle of a function is. */
export function bundleFile(name: string, bundles: string = BUNDLES): string {
  return join(bundles, name, BUNDLE_FILE);
}
