import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Finds options that npm treated as its own settings, because there was no `--` before them.
 *
 * npm 10 and 11 turn `npm start --watch` into `npm_config_watch=true`, `--queues=a` into `npm_config_queues=a`, and
 * `--queues a` into `npm_config_queues=true` with the argument `a`. Settings of an npmrc look the same but do not
 * count. `--prefix` and `--help` never arrive: npm changes to that folder, or prints its own help.
 * @returns the value of each option in npm's environment variables
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
