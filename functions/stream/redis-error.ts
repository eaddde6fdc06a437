import { RedisError, type RedisErrorCode } from '../errors.ts';

/** Where a connection goes and as whom; what an error may name. The password is not part of it. */
export interface RedisTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

type Kind = readonly [code: RedisErrorCode, sign: RegExp, cause: string, remedy: string];

/** First match wins. The signs are error codes of Node, reply prefixes of Redis, and messages of ioredis. */
const KINDS: readonly Kind[] = [
  ['REDIS_REFUSED', /ECONNREFUSED/, 'nothing listens there', 'check host, port and that the server runs'],
  ['REDIS_DNS', /ENOTFOUND|EAI_AGAIN/, 'the host name is not known', 'check the host, and the DNS of the VPC'],
  [
    'REDIS_TLS',
    /CERT|SSL|TLS|self.signed|ERR_SSL|wrong version number|unable to verify/i,
    'TLS failed',
    'use rediss:// exactly where the server speaks TLS, with a certificate that Node trusts',
  ],
  [
    'REDIS_TIMEOUT',
    /ETIMEDOUT|timed out|EHOSTUNREACH|ENETUNREACH/,
    'no answer in time',
    'check security groups and subnets, and rediss:// where the server speaks TLS',
  ],
  [
    'REDIS_AUTH',
    /^(WRONGPASS|NOAUTH|ERR AUTH|ERR invalid password|ERR Client sent AUTH)/,
    'user or password is wrong',
    'check the user and the password in the URL',
  ],
  [
    'REDIS_PERMISSION',
    /^NOPERM/,
    'the user may not do this',
    'grant it %R~<prefix>:* with +xrange +xinfo|stream +multi +exec +scan +hmget for forward and +xrange +zrangebyscore +hmget for reconcile',
  ],
  [
    'REDIS_MOVED',
    /^(MOVED|CROSSSLOT|CLUSTERDOWN|ASK) /,
    'the server is a node of a cluster',
    'give the endpoint of a server that is not in cluster mode',
  ],
  [
    'REDIS_WRONG_TYPE',
    /^WRONGTYPE/,
    'the key is not what BullMQ keeps there',
    'check the prefix and the queue name; something else has written that key',
  ],
  [
    'REDIS_NOT_READY',
    /^(LOADING|MASTERDOWN|TRYAGAIN|BUSY)/,
    'the server is not ready',
    'wait: the next run tries again',
  ],
  [
    'REDIS_CLOSED',
    /Connection is closed|ECONNRESET|EPIPE|Stream isn't writeable/,
    'the connection was closed',
    'look at the log of the server; the next run connects again',
  ],
];

/**
 * Turns what ioredis or Redis reported into one error that says where, who, why and what to do.
 *
 * The original error is not kept as the cause: a failed `AUTH` of ioredis carries the password in its `command`.
 */
export function redisError(error: Error, target: RedisTarget, what: string): RedisError {
  const said = 'code' in error && typeof error.code === 'string' ? `${error.code} ${error.message}` : error.message;
  const [code, , cause, remedy] = KINDS.find(([, sign]) => sign.test(error.message) || sign.test(said)) ?? [
    'REDIS_FAILED' as const,
    undefined,
    'Redis refused it',
    'see the reply',
  ];
  const where = `${target.host}:${target.port} as user "${target.user}"`;
  return new RedisError(code, `${what} failed on Redis ${where}: ${cause} (${error.message}); ${remedy}.`);
}
