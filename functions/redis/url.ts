/** A server, where it listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The address as one text. */
export function placeOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

/** Where Redis is and as whom, as its URL says. */
export interface RedisUrl {
  readonly tls: boolean;
  /** One, or several of a cluster or of Sentinels; a port that is not given is 0. */
  readonly addresses: readonly Address[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
}

/** What stands in front of the hosts, the hosts, and what follows them; a password can have an `@`. */
const PARTS = /^(rediss?:\/\/(?:[^/?#]*@)?)([^/?#@]+)(.*)$/;

/**
 * Reads `redis://[user[:password]@]host[:port][,host[:port]…][/db]`, with `rediss` for TLS.
 *
 * @returns `undefined` where it is none
 */
export function parseRedisUrl(text: string): RedisUrl | undefined {
  const [, front, hosts = '', rest] = PARTS.exec(text) ?? [];
  const urls = hosts.split(',').map((host) => toUrl(`${front}${host}${rest}`));
  const [first] = urls;
  if (!first || !urls.every((url) => url?.hostname)) return undefined;
  const db = Number(first.pathname.slice(1));
  if (!Number.isInteger(db)) return undefined;
  try {
    return {
      tls: first.protocol === 'rediss:',
      addresses: urls.flatMap((url) =>
        url ? { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port) } : [],
      ),
      user: decodeURIComponent(first.username) || undefined,
      password: decodeURIComponent(first.password) || undefined,
      db,
    };
  } catch {
    return undefined;
  }
}

function toUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
