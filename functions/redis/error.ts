import { RedisError, type RedisErrorCode } from '../errors.ts';
import { permissionsFor } from './permissions.ts';
import type { RedisTarget } from './port.ts';

interface Kind {
  readonly code: RedisErrorCode;
  /** Matches an error code of Node, a reply of Redis, or a message of ioredis. */
  readonly sign: RegExp;
  /** It can pass by itself, so trying again makes sense. */
  readonly passes?: true;
  readonly cause: string;
  readonly remedy: string;
}

const PERMISSION_REMEDY = [
  `grant it the keys %R~<prefix>:* with ${permissionsFor('forward')} for forward`,
  `${permissionsFor('reconcile')} for reconcile`,
  `for a database other than 0 also ${permissionsFor('database')}`,
  `in a cluster also ${permissionsFor('cluster')}`,
  `and on Sentinels ${permissionsFor('sentinel')}`,
].join(', ');

const IAM_REMEDY =
  "grant the function's role elasticache:Connect or memorydb:Connect on the cache and on the user, and check the name of the cache (BULLBRIDGE_REDIS_IAM), the region, and that the user of the URL is the id of a user with IAM authentication";

/** First match wins. */
const KINDS: readonly Kind[] = [
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

const UNKNOWN: Omit<Kind, 'sign'> = { code: 'REDIS_FAILED', cause: 'Redis refused it', remedy: 'see the reply' };

/**
 * Turns what ioredis or Redis reported into one error that says where, who, why and what to do.
 *
 * The original error is not kept as the cause: a failed `AUTH` of ioredis carries the password in its `command`.
 */
export function redisError(error: Error, target: RedisTarget, what: string): RedisError {
  if (error instanceof RedisError) return error;
  const { code, cause, remedy, passes } = kindOf(error);
  const advice = code === 'REDIS_AUTH' && target.iam ? IAM_REMEDY : remedy;
  const message = `${what} failed on ${describe(target)}: ${cause} (${error.message.trim()}); ${advice}.`;
  return new RedisError(code, message, { passes });
}

function kindOf(error: Error): Omit<Kind, 'sign'> {
  const coded = 'code' in error && typeof error.code === 'string' ? `${error.code} ${error.message}` : error.message;
  return KINDS.find(({ sign }) => sign.test(error.message) || sign.test(coded)) ?? UNKNOWN;
}

/** The error of commands on a connection that was closed. */
export function closedError(target: RedisTarget): RedisError {
  return redisError(new Error('Connection is closed'), target, 'reading');
}

/** The error of a URL with a database for a cluster, whose keys are all in database 0. */
export function databaseError(target: RedisTarget, db: number): RedisError {
  return new RedisError(
    'REDIS_DATABASE',
    `the URL names database ${db}, but a cluster has only 0: ${describe(target)}; leave the database out of the URL.`,
  );
}

/** The error of an IAM token that could not be made. */
export function tokenError(error: Error, target: RedisTarget): RedisError {
  const reason = `${error.name}: ${error.message}`;
  return new RedisError(
    'REDIS_AUTH',
    `making the IAM token for ${describe(target)} failed: ${reason}; the function needs the credentials of its role.`,
  );
}

function describe({ host, port, user, role }: RedisTarget): string {
  return `Redis ${host}:${port}${role === undefined ? '' : `, ${role},`} as user "${user}"`;
}
