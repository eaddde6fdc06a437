import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findServer } from '../local/redis.ts';

/** What a test may need and `npm ci` does not bring. */
export type Need = 'native server' | 'faketime' | 'openssl' | 'proc' | 'ps' | 'python' | 'setsid' | 'script';

type Probes = { readonly [name in Need]: { readonly what: string; readonly find: () => unknown } };

const PROBES = {
  'native server': {
    what: 'redis-server or valkey-server 7 or later on the PATH (apt-get install redis-server, brew install valkey)',
    find: once(findServer),
  },
  faketime: {
    what: 'libfaketime (apt-get install faketime; Linux only)',
    find: once(findFaketime),
  },
  openssl: {
    what: 'openssl on the PATH (apt-get install openssl, brew install openssl)',
    find: once(() => findProgram('openssl', 'version')),
  },
  ps: {
    what: 'ps on the PATH (apt-get install procps)',
    find: once(() => findProgram('ps')),
  },
  python: {
    what: 'python3 on the PATH (apt-get install python3, brew install python)',
    find: once(() => findProgram('python3', '--version')),
  },
  setsid: {
    what: 'setsid of util-linux on the PATH (apt-get install util-linux; Linux only)',
    find: once(() => findProgram('setsid', '--version')),
  },
  script: {
    what: 'script of util-linux on the PATH, to make a terminal (apt-get install bsdutils; Linux only)',
    find: once(() => findProgram('script', '--version')),
  },
  proc: {
    what: '/proc (Linux only)',
    find: () => (existsSync('/proc/self/clear_refs') ? true : undefined),
  },
} satisfies Probes;

/** The needs, out of those given, that this machine does not meet. @default all */
export function unmet(needs = Object.keys(PROBES) as readonly Need[]): Need[] {
  return needs.filter((need) => PROBES[need].find() === undefined);
}

/** What is needed and how to get it, such as `openssl on the PATH (apt-get install openssl)`. */
export function describeNeed(need: Need): string {
  return PROBES[need].what;
}

/**
 * The Redis or Valkey on the PATH, which can be a cluster, replicate, persist and speak TLS, unlike the embedded one.
 *
 * @throws {Error} when there is none; only a test of `testWith('native server')` may call this
 */
export function nativeServer(): NonNullable<ReturnType<typeof findServer>> {
  return PROBES['native server'].find() ?? fail('native server');
}

/**
 * The file of the library that gives a process another clock.
 *
 * @throws {Error} when there is none; only a test of `testWith('faketime')` may call this
 */
export function faketimeLibrary(): string {
  return PROBES.faketime.find() ?? fail('faketime');
}

function fail(need: Need): never {
  throw new Error(`a test needs ${describeNeed(need)}, and does not say so: make it one of testWith('${need}')`);
}

/** Where Debian's package `faketime` puts its library, for whichever processor. */
function findFaketime(): string | undefined {
  const libraries = existsSync('/usr/lib') ? readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`) : [];
  return libraries.map((path) => join(path, 'faketime/libfaketime.so.1')).find((file) => existsSync(file));
}

/** What a program prints, where there is one that takes these arguments. */
function findProgram(name: string, ...args: readonly string[]): string | undefined {
  try {
    return execFileSync(name, args, { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}

function once<Found>(find: () => Found): () => Found {
  let found: { readonly value: Found } | undefined;
  return () => {
    found ??= { value: find() };
    return found.value;
  };
}
