import type { CommandName } from './permissions.ts';
import type { Address } from './url.ts';

/** A command's name as ioredis spells it (`xrangeBuffer` for bytes), then its arguments. */
export type Command = readonly [name: CommandName | `${CommandName}Buffer`, ...args: (string | number | Buffer)[]];

/** The server and the user of a connection, without the password. Errors name all of it. */
export interface RedisTarget extends Address {
  readonly user: string;
  /** The role of the server, such as a master that Sentinels named. */
  readonly role?: string | undefined;
  /** The password is a token that AWS checks. */
  readonly iam?: boolean | undefined;
}

export interface RedisOptions {
  /**
   * `redis://[user[:password]@]host[:port][/db][?db=db]`, `rediss://` for TLS; several hosts, separated by commas, are
   * servers of a cluster or Sentinels, of which one is enough.
   */
  readonly url: string;
  /** Requires a cluster. @default as the server says */
  readonly cluster?: boolean | undefined;
  /** The URL is that of Sentinels, which know where the master is. */
  readonly sentinel?: SentinelOptions | undefined;
  /** Certificates that are trusted instead of Node's own, as PEM. */
  readonly ca?: string | undefined;
  /** Makes the password of each connection. @default the password of the URL */
  readonly token?: (() => Promise<string>) | undefined;
  /** Milliseconds to connect. @default 5000 */
  readonly connectTimeout?: number;
  /** Milliseconds for the reply to one pipeline. @default 10000 */
  readonly commandTimeout?: number;
}

export interface SentinelOptions {
  /** Name of the master. */
  readonly master: string;
  /** To log in to the Sentinels, where they want it; user and password of the URL are those of the master. */
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

/** Bytes that are kept of a value that was too long. */
export const HEAD_BYTES = 1024;

/** Replaces a value that was too long. Only its head counts for `maxBytes`. */
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
   * Sends commands in one pipeline to each server that has keys of them. A `multi` and all commands up to its `exec`
   * are about one key.
   *
   * The reply to a command that Redis refuses is an `Error`. So is the reply to a command whose server fails while
   * other servers of a cluster answer.
   * @throws {RedisError} when the connection fails; {@link ReplyTooLargeError} when more than `maxBytes` arrive
   */
  send(commands: readonly Command[], limits?: ReplyLimits): Promise<unknown[]>;
  /** Keys that match a pattern of `SCAN`: all, or some more of them. @throws {RedisError} also when `SCAN` is refused */
  scan(pattern: string, options?: ScanOptions): Promise<Scanned>;
  close(): void;
}

/** The replies are larger than `maxBytes`. The rest of them was not read. */
export class ReplyTooLargeError extends Error {}

/** The cursor of each server in a scan of all keys; `0` of a server that was scanned to its end. */
export type ScanCursors = ReadonlyMap<string, string>;

export interface ScanOptions {
  /** Only keys of this type, as `TYPE` names it. @default all */
  readonly type?: string | undefined;
  /** Where an earlier scan stopped; a server that it did not know is scanned from its beginning. @default nowhere */
  readonly from?: ScanCursors | undefined;
  /** Keys that are looked at on each server at most, in thousands. @default all */
  readonly maxKeys?: number | undefined;
  /** Ends the scan where it is. */
  readonly signal?: AbortSignal | undefined;
}

/** The keys that a scan found; one key may be there twice. */
export interface Scanned {
  readonly keys: readonly string[];
  readonly cursors: ScanCursors;
  /** Whether every server was scanned to its end. */
  readonly isWhole: boolean;
}
