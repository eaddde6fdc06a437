import { type Fault, RedisError, type RedisErrorCode } from '../errors.ts';
import { permissionsFor } from './permissions.ts';
import type { RedisTarget } from './port.ts';

interface RedisFault extends Fault {
  readonly code: RedisErrorCode;
}

interface Kind extends RedisFault {
  /** Matches an error code of Node, a reply of Redis, or a message of ioredis. */
  readonly sign: RegExp;
}

const PERMISSION_REMEDY = [
  `grant it the keys %R~<prefix>:* with ${permissionsFor('forward')} for forward`,
  `${permissionsFor('reconcile')} for reconcile`,
  `for a database other than 0 also ${permissionsFor('database')}`,
  `in a cluster also ${permissionsFor('cluster')}`,
  `and on Sentinels ${permissionsFor('sentinel')}`,
].join(', ');

/** First match wins. */
export const KINDS: readonly Kind[] = [
  {
    code: 'REDIS_MAX_CLIENTS',
    sign: /^ERR max number of clients/,
    passes: true,
    cause: 'the server has no room for another client',
    remedy: 'look at CLIENT LIST for clients that are too many, or raise maxclients',
  },
  {
    code: 'REDIS_PROTECTED',
    sign: /^DENIED/,
    cause: 'the server is in protected mode',
    remedy: 'give its user a password, then set protected-mode to no',
  },
  {
    code: 'REDIS_REFUSED',
    sign: /ECONNREFUSED/,
    passes: true,
    cause: 'nothing listens there',
    remedy: 'check host, port and that the server runs',
  },
  {
    code: 'REDIS_DNS',
    sign: /ENOTFOUND|EAI_AGAIN/,
    passes: true,
    cause: 'the host name is not known',
    remedy: 'check the host, and the DNS of the VPC',
  },
  {
    code: 'REDIS_TLS',
    sign: /ERR_TLS_CERT_ALTNAME_INVALID/,
    cause: 'the certificate is of another host',
    remedy:
      'use a host name that the certificate has; it must be for the address of the server, or for a host of the URL',
  },
  {
    code: 'REDIS_TLS',
    sign: /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    cause: 'the certificate is not valid now',
    remedy: "renew the server's certificate",
  },
  {
    code: 'REDIS_TLS',
    sign: /CERTIFICATE_REQUIRED|certificate required/,
    cause: 'the server wants a certificate of the client',
    remedy: 'there is none to give: set tls-auth-clients to no or optional on the server',
  },
  {
    code: 'REDIS_TLS',
    sign: /self.signed|UNABLE_TO_|unable to (verify|get)|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA/i,
    cause: 'the certificate is signed by an authority that is not trusted',
    remedy: 'give the certificate of that authority, in BULLBRIDGE_REDIS_CA or under the key "ca" of the secret',
  },
  {
    code: 'REDIS_TLS',
    sign: /^NEEDS TLS/,
    cause: 'the server speaks TLS only',
    remedy: 'use rediss:// instead of redis://',
  },
  {
    code: 'REDIS_TLS',
    sign: /^NO TLS/,
    cause: 'the server does not speak TLS',
    remedy: 'use redis:// instead of rediss://, or its port for TLS',
  },
  {
    code: 'REDIS_AUTH',
    sign: /^(NOAUTH|ERR Authentication required|ERR operation not permitted)/i,
    cause: 'the server asks for a password',
    remedy:
      'put it into the URL, as in redis://:password@host:6379 or redis://user:password@host:6379; the password of Sentinels is "sentinelPassword" in the secret',
  },
  {
    code: 'REDIS_AUTH',
    sign: /^(WRONGPASS|ERR AUTH|ERR invalid (username-)?password|ERR Client sent AUTH)/i,
    cause: 'user or password is wrong',
    remedy:
      'check the user and the password in the URL, those of Sentinels under "sentinelUsername" and "sentinelPassword" in the secret',
  },
  { code: 'REDIS_PERMISSION', sign: /\bNOPERM\b/, cause: 'the user may not do this', remedy: PERMISSION_REMEDY },
  {
    code: 'REDIS_DATABASE',
    sign: /\bDB index\b|\bselect\b/i,
    cause: 'the server does not have this database',
    remedy: 'name one that it has at the end of the URL, or none for database 0; a cluster has no other',
  },
  {
    code: 'REDIS_NOT_CLUSTER',
    sign: /cluster support disabled/,
    cause: 'the server is not in cluster mode',
    remedy: 'leave BULLBRIDGE_REDIS_CLUSTER out, or give the endpoint of the cluster',
  },
  {
    code: 'REDIS_MOVED',
    sign: /^(MOVED|CROSSSLOT|ASK) /,
    cause: 'the server is a node of a cluster',
    remedy: 'set BULLBRIDGE_REDIS_CLUSTER=true (`cluster: true` in the construct)',
  },
  {
    code: 'REDIS_WRONG_TYPE',
    sign: /^WRONGTYPE/,
    cause: 'the key is not what BullMQ keeps there',
    remedy: 'check the prefix and the queue name; something else has written that key',
  },
  {
    code: 'REDIS_NOT_READY',
    sign: /^(LOADING|MASTERDOWN|READONLY|TRYAGAIN|BUSY|OOM|UNBLOCKED|REDIRECTED)/,
    passes: true,
    cause: 'the server is not ready',
    remedy: 'it passes by itself',
  },
  {
    code: 'REDIS_NOT_READY',
    sign: /^CLUSTERDOWN/,
    passes: true,
    cause: 'the cluster does not serve this key',
    remedy: 'look at CLUSTER INFO and CLUSTER NODES',
  },
  {
    code: 'REDIS_CLOSED',
    sign: /Connection is closed|Command aborted|Stream isn't writeable|ECONNRESET|ECONNABORTED|ENETRESET|ENOTCONN|EPIPE/,
    passes: true,
    cause: 'the connection was closed',
    remedy: 'look at the log of the server',
  },
  {
    code: 'REDIS_TIMEOUT',
    sign: /ETIMEDOUT|timed out|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN/,
    passes: true,
    cause: 'no answer in time',
    remedy: 'check security groups and subnets, and rediss:// where the server speaks TLS',
  },
  {
    code: 'REDIS_TLS',
    sign: /CERT|SSL|TLS|wrong version number/i,
    cause: 'TLS failed',
    remedy: 'use rediss:// exactly where the server speaks TLS, with a certificate that Node trusts',
  },
];

/** Faults that have no sign of their own. */
export const OTHERS = {
  unknown: { code: 'REDIS_FAILED', cause: 'Redis refused it', remedy: 'see the reply' },
  refusedToken: {
    code: 'REDIS_AUTH',
    cause: 'the IAM token is refused',
    remedy:
      "grant the function's role elasticache:Connect or memorydb:Connect on the cache and on the user, and check the name of the cache (BULLBRIDGE_REDIS_IAM), the region, and that the user of the URL is the id of a user with IAM authentication",
  },
  noToken: {
    code: 'REDIS_AUTH',
    cause: 'no IAM token could be made',
    remedy: 'the function needs the credentials of its role',
  },
  databaseOfCluster: {
    code: 'REDIS_DATABASE',
    cause: 'a cluster has only database 0',
    remedy: 'leave the database out of the URL',
  },
  noMaster: {
    code: 'REDIS_SENTINEL',
    passes: true,
    cause: 'no Sentinel led to the master',
    remedy:
      'REDIS_URL must name the Sentinels, and BULLBRIDGE_REDIS_SENTINEL the master as their configuration does (`sentinel monitor <name> …`)',
  },
  isSentinel: {
    code: 'REDIS_SENTINEL',
    cause: 'the server is a Sentinel, which has no queues',
    remedy:
      'set BULLBRIDGE_REDIS_SENTINEL to the name of its master (`sentinel` in the construct), or give the endpoint of the master',
  },
  entryTooLarge: {
    code: 'REDIS_ENTRY_TOO_LARGE',
    cause: 'the next entry has too many fields: even their beginnings are too large',
    remedy: 'give the function more memory; other queues are read',
  },
} as const satisfies Readonly<Record<string, RedisFault>>;

/**
 * Turns an error of ioredis or a reply of Redis into one error with the server, the user, the cause and the remedy.
 *
 * The original error is not kept as the cause: a failed `AUTH` of ioredis carries the password in its `command`.
 */
export function redisError(error: Error, target: RedisTarget, what: string): RedisError {
  if (error instanceof RedisError) return error;
  const fault = faultOf(error);
  const isToken = fault.code === 'REDIS_AUTH' && target.iam;
  return errorOf(isToken ? OTHERS.refusedToken : fault, target, what, error.message.trim());
}

function faultOf(error: Error): RedisFault {
  const coded = 'code' in error && typeof error.code === 'string' ? `${error.code} ${error.message}` : error.message;
  return KINDS.find(({ sign }) => sign.test(error.message) || sign.test(coded)) ?? OTHERS.unknown;
}

/** @param said what ioredis, Redis or Node reported */
function errorOf({ code, cause, remedy, passes }: RedisFault, target: RedisTarget, what: string, said?: string) {
  const why = said === undefined ? cause : `${cause} (${said})`;
  return new RedisError(code, `${what} failed on ${describe(target)}: ${why}; ${remedy}.`, { passes });
}

/** The error of commands on a connection that was closed. */
export function closedError(target: RedisTarget): RedisError {
  return redisError(new Error('Connection is closed'), target, 'reading');
}

/** The error of a URL with a database for a cluster, whose keys are all in database 0. */
export function databaseError(target: RedisTarget, db: number): RedisError {
  return errorOf(OTHERS.databaseOfCluster, target, `selecting database ${db}`);
}

/** The error of an IAM token that could not be made. */
export function tokenError(error: Error, target: RedisTarget): RedisError {
  return errorOf(OTHERS.noToken, target, 'connecting', `${error.name}: ${error.message}`);
}

/** The error of a Sentinel that is taken for a server. */
export function sentinelError(target: RedisTarget): RedisError {
  return errorOf(OTHERS.isSentinel, target, 'connecting');
}

/** The error of Sentinels of which none names a master that answers. @param said by each of them */
export function noMasterError(master: string, said: readonly string[], passes: boolean): RedisError {
  const { code, cause, remedy } = OTHERS.noMaster;
  return new RedisError(code, `${cause} "${master}": ${said.join('; ')}. ${remedy}.`, { passes });
}

/** The error of an entry that is too large even where only the beginnings of its fields are read. */
export function entryTooLargeError(queue: string, maxBytes: number): RedisError {
  const { code, cause, remedy } = OTHERS.entryTooLarge;
  return new RedisError(code, `reading queue "${queue}" failed: ${cause} (more than ${maxBytes} bytes); ${remedy}.`);
}

function describe({ host, port, user, role }: RedisTarget): string {
  return `Redis ${host}:${port}${role === undefined ? '' : `, ${role},`} as user "${user}"`;
}
