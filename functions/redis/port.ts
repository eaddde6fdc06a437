import type { CommandName } from './permissions.ts';
import type { LazyArray } from './resp.ts';
import type { Address } from './url.ts';

/** The name of a command in ioredis (`xrangeBuffer` for bytes), then its arguments. */
export type Command = readonly [name: CommandName | `${CommandName}Buffer`, ...args: (string | number | Buffer)[]];

/** The server and the user of a connection, for errors; without the password. */
export interface RedisTarget extends Address {
  readonly user: string;
  /** The role of the server, such as a master that Sentinels named. */
  readonly role?: string | undefined;
  /** Whether the password is an IAM token. */
  readonly iam?: boolean | undefined;
}

export interface RedisOptions {
  /**
   * `redis://[user[:password]@]host[:port][/db][?db=db]`, `rediss://` for TLS. Several hosts, separated by commas, are
   * servers of a cluster or Sentinels; one of them is enough.
   */
  readonly url: string;
  /** Whether to require a cluster. @default the server decides */
  readonly cluster?: boolean | undefined;
  /** The options of Sentinels, whose hosts are in the URL. */
  readonly sentinel?: SentinelOptions | undefined;
  /** Certificates that are trusted instead of Node's own, as PEM. */
  readonly ca?: string | undefined;
  /** Creates the password of each connection. @default the password of the URL */
  readonly token?: (() => Promise<string>) | undefined;
  /** Milliseconds to connect. @default 5000 */
  readonly connectTimeout?: number;
  /** Milliseconds for the reply to one pipeline. @default 10000 */
  readonly commandTimeout?: number;
}

export interface SentinelOptions {
  /** Name of the master. */
  readonly master: string;
  /** The login for the Sentinels, if they need one; the user and the password of the URL are for the master. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

/** Limits for the replies to one pipeline. */
export interface ReplyLimits {
  /** Bytes of all replies together, from all servers. @default unlimited */
  readonly maxBytes?: number | undefined;
  /** Bytes of a single value. An {@link Elided} replaces a longer one, at any depth. @default unlimited */
  readonly maxValueBytes?: number | undefined;
}

/** Bytes that are kept of a value that is too long. */
export const HEAD_BYTES = 1024;

/** Replaces a value that is too long. Only its head counts for `maxBytes`. */
export class Elided {
  /** The length of the value. */
  readonly bytes: number;
  /** Its first {@link HEAD_BYTES} bytes. */
  readonly head: Buffer;

  constructor(bytes: number, head: Buffer) {
    this.bytes = bytes;
    this.head = head;
  }
}

/** Any kind of Redis: one server, a cluster, or the master that Sentinels name. */
export interface RedisConnection {
  readonly target: RedisTarget;
  /** Whether the keys of one command must be in one hash slot. @throws {RedisError} when the connection fails */
  isCluster(): Promise<boolean>;
  /**
   * Sends commands, in one pipeline to each server that has keys of them. All commands from a `multi` to its `exec`
   * must be about one key.
   *
   * The entries in a reply to `xrangeBuffer` can be {@link LazyArray}s. The reply to a command that Redis refuses is an
   * `Error`. If a server of a cluster fails while others answer, the reply to its commands is also an `Error`.
   * @throws {RedisError} when the connection fails; {@link ReplyTooLargeError} when more than `maxBytes` arrive
   */
  send(commands: readonly Command[], limits?: ReplyLimits): Promise<unknown[]>;
  /**
   * Finds keys that match a pattern of `SCAN`: all, or the next ones.
   *
   * @throws {RedisError} also if `SCAN` is refused
   */
  scan(pattern: string, options?: ScanOptions): Promise<Scanned>;
  close(): void;
}

/** The replies are larger than `maxBytes`; the rest was not read. */
export class ReplyTooLargeError extends Error {}

/** The cursor of each server in a scan of all keys; `0` for a server that was scanned to its end. */
export type ScanCursors = ReadonlyMap<string, string>;

export interface ScanOptions {
  /** Only keys of this type, as `TYPE` names it. @default all */
  readonly type?: string | undefined;
  /** Where an earlier scan stopped; any other server is scanned from its beginning. @default the beginning */
  readonly from?: ScanCursors | undefined;
  /** The most keys to scan on each server, rounded up to thousands. @default all */
  readonly maxKeys?: number | undefined;
  /** Stops the scan. */
  readonly signal?: AbortSignal | undefined;
}

/** The keys that a scan found; a key may be there twice. */
export interface Scanned {
  readonly keys: readonly string[];
  readonly cursors: ScanCursors;
  /** Whether every server was scanned to its end. */
  readonly isWhole: boolean;
}
