import { isIPv6 } from 'node:net';
import { ConfigError } from '../errors.ts';

/** The address of a server. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The address as `host:port`. */
export function addressKey({ host, port }: Address): string {
  return `${host}:${port}`;
}

/** The parts of a Redis URL. */
export interface RedisUrl {
  readonly tls: boolean;
  /** One host, or several of a cluster or of Sentinels. A port that is not given is 0. */
  readonly addresses: readonly Address[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
}

/** A URL, or its fault: a fixed text without any part of the URL, because of its password. */
export type ParsedUrl =
  | { readonly url: RedisUrl; readonly fault?: undefined }
  | { readonly url?: undefined; readonly fault: string };

const FAULTS = {
  scheme: 'it must begin with redis:// or rediss://',
  encoding:
    'an @ follows a /, ? or #: in the user and the password, special characters must be percent-encoded (% as %25, # as %23, / as %2F, ? as %3F, @ as %40)',
  percent: 'a % in the user or the password does not begin a percent-encoded character; write % itself as %25',
  hosts: 'it must name a host, or several separated by commas, each as host or host:port, with a port from 1 to 65535',
  rest: 'only a database may follow the hosts, as in redis://host:6379/2 or redis://host:6379?db=2; a /, ? or # in the user or the password must be percent-encoded',
  databases: 'its path and its ?db= name different databases; name one',
} as const;

/** The scheme, the text up to the first `/`, `?` or `#`, and the rest. */
const PARTS = /^(rediss?):\/\/([^/?#]*)(.*)$/s;
const HOST = /^(?:\[([^\]]*)\]|([\p{L}\p{N}._-]+))(?::(\d{1,5}))?$/u;
const DATABASE = /^(?:\/(\d{0,9}))?(?:\?db=(\d{1,9}))?$/;

/**
 * Parses `redis://[user[:password]@]host[:port][,host[:port]…][/db][?db=db]`, with `rediss` for TLS.
 *
 * If a password is not percent-encoded, a part of it must not become the host. Therefore, an `@` after a `/`, `?` or
 * `#` is refused, and everything after the hosts except a database. ioredis and BullMQ read `?db=` in the same way.
 */
export function parseRedisUrl(text: string): ParsedUrl {
  const [, scheme, authority = '', rest = ''] = PARTS.exec(text) ?? [];
  if (!scheme) return { fault: FAULTS.scheme };
  if (rest.includes('@')) return { fault: FAULTS.encoding };
  const end = authority.lastIndexOf('@');
  const [user = '', ...password] = authority.slice(0, Math.max(0, end)).split(':');
  const addresses = authority
    .slice(end + 1)
    .split(',')
    .map(toAddress);
  if (!addresses.every((address) => address !== undefined)) return { fault: FAULTS.hosts };
  const database = DATABASE.exec(rest);
  if (!database) return { fault: FAULTS.rest };
  const [inPath, inQuery] = database.slice(1).map((digits) => (digits ? Number(digits) : undefined));
  if (inPath !== undefined && inQuery !== undefined && inPath !== inQuery) return { fault: FAULTS.databases };
  try {
    return {
      url: {
        tls: scheme === 'rediss',
        addresses,
        user: decodeURIComponent(user) || undefined,
        password: decodeURIComponent(password.join(':')) || undefined,
        db: inPath ?? inQuery ?? 0,
      },
    };
  } catch {
    return { fault: FAULTS.percent };
  }
}

/** Reads a Redis URL. @throws {ConfigError} which does not repeat the text */
export function readRedisUrl(text: string): RedisUrl {
  const { url, fault } = parseRedisUrl(text);
  if (url) return url;
  throw new ConfigError([`the URL of Redis is not valid (its value is not repeated here): ${fault}`]);
}

function toAddress(text: string): Address | undefined {
  const [, ip, name, digits] = HOST.exec(text) ?? [];
  const host = ip !== undefined && isIPv6(ip) ? ip : name;
  const port = digits === undefined ? 0 : Number(digits);
  if (!host || port > 65_535 || (digits !== undefined && port === 0)) return undefined;
  return { host, port };
}
