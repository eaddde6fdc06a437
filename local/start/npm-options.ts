import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Finds options that npm took for its own settings because no `--` stands before them.
 *
 * npm 10 and 11 pass `npm start --watch` on as `npm_config_watch=true`, `--queues=a` as `npm_config_queues=a`, and `--queues a` as
 * `npm_config_queues=true` with the argument `a`. A setting of an npmrc arrives in the same way and does not count.
 * `--prefix` and `--help` never arrive: npm changes to that folder, or prints its own help.
 * @returns the value of each, as npm passes it on
 */
export function swallowedByNpm<Name extends string>(
  names: readonly Name[],
  environment: Environment,
): Map<Name, string> {
  const { npm_config_userconfig: user, npm_config_globalconfig: global, npm_config_local_prefix: root } = environment;
  const files = [user, global, root && join(root, '.npmrc')];
  const settings = files.map((file) => (file ? readText(file) : '')).join('\n');
  const typed = names.flatMap((name): [Name, string][] => {
    const value = environment[`npm_config_${name}`];
    return value && !new RegExp(`^\\s*${name}\\s*(=|$)`, 'm').test(settings) ? [[name, value]] : [];
  });
  return new Map(typed);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
