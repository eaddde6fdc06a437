import { RedisError, type RedisErrorCode } from '../errors.ts';
import type { RedisTarget } from './port.ts';

type Kind = readonly [code: RedisErrorCode, sign: RegExp, cause: string, remedy: string];

/** What a user of Redis must be allowed for each function and for each kind of Redis. */
const PERMISSIONS =
  'grant it %R~<prefix>:* with +xrange +xinfo|stream +multi +exec +scan +hmget for forward, +xread to go on listening, and +xrange +zrangebyscore +hmget for reconcile, in a cluster also +cluster|slots and +asking, and on Sentinels +sentinel|get-master-addr-by-name';

const IAM_REMEDY =
  "grant the function's role elasticache:Connect or memorydb:Connect on the cache and on the user, and check the name of the cache (BULLBRIDGE_REDIS_IAM), the region, and that the user of the URL is the id of a user with IAM authentication";

/** First match wins. The signs are error codes of Node, reply prefixes of Redis, and messages of ioredis. */
const KINDS: readonly Kind[] = [
  ['REDIS_REFUSED', /ECONNREFUSED/, 'nothing listens there', 'check host, port and that the server runs'],
  ['REDIS_DNS', /ENOTFOUND|EAI_AGAIN/, 'the host name is not known', 'check the host, and the DNS of the VPC'],
  [
    'REDIS_TLS',
    /ERR_TLS_CERT_ALTNAME_INVALID/,
    'the certificate is of another host',
    'use a host name that the certificate has; a cluster gives its servers one by cluster-announce-hostname',
  ],
  [
    'REDIS_TLS',
    /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    'the certificate is not valid now',
    "renew the server's certificate",
  ],
  [
    'REDIS_TLS',
    /CERTIFICATE_REQUIRED|certificate required/,
    'the server wants a certificate of the client',
    'there is none to give: set tls-auth-clients to no or optional on the server',
  ],
  [
    'REDIS_TLS',
    /self.signed|UNABLE_TO_|unable to (verify|get)|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA/i,
    'the certificate is not signed by whom is trusted',
    'give the certificate of the authority that signed it, in BULLBRIDGE_REDIS_CA or under the key "ca" of the secret',
  ],
  ['REDIS_TLS', /^NEEDS TLS/, 'the server speaks TLS only', 'use rediss:// instead of redis://'],
  ['REDIS_TLS', /^NO TLS/, 'the server does not speak TLS', 'use redis:// instead of rediss://, or its port for TLS'],
  [
    'REDIS_TLS',
    /CERT|SSL|TLS|wrong version number/i,
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
    'check the user and the password in the URL, those of Sentinels under "sentinelUsername" and "sentinelPassword" in the secret',
  ],
  ['REDIS_PERMISSION', /^NOPERM/, 'the user may not do this', PERMISSIONS],
  [
    'REDIS_NOT_CLUSTER',
    /cluster support disabled/,
    'the server is not in cluster mode',
    'leave BULLBRIDGE_REDIS_CLUSTER out, or give the endpoint of the cluster',
  ],
  [
    'REDIS_MOVED',
    /^(MOVED|CROSSSLOT|ASK) /,
    'the server is a node of a cluster',
    'set BULLBRIDGE_REDIS_CLUSTER=true (`cluster: true` in the construct)',
  ],
  [
    'REDIS_WRONG_TYPE',
    /^WRONGTYPE/,
    'the key is not what BullMQ keeps there',
    'check the prefix and the queue name; something else has written that key',
  ],
  [
    'REDIS_NOT_READY',
    /^(LOADING|MASTERDOWN|TRYAGAIN|BUSY|REDIRECTED)/,
    'the server is not ready',
    'wait: the next run tries again',
  ],
  [
    'REDIS_NOT_READY',
    /^CLUSTERDOWN/,
    'the cluster does not serve this key',
    'look at CLUSTER INFO and CLUSTER NODES; the next run tries again',
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
  if (error instanceof RedisError) return error;
  const said = 'code' in error && typeof error.code === 'string' ? `${error.code} ${error.message}` : error.message;
  const [code, , cause, remedy] = KINDS.find(([, sign]) => sign.test(error.message) || sign.test(said)) ?? [
    'REDIS_FAILED' as const,
    undefined,
    'Redis refused it',
    'see the reply',
  ];
  const advice = code === 'REDIS_AUTH' && target.iam ? IAM_REMEDY : remedy;
  return new RedisError(code, `${what} failed on ${describe(target)}: ${cause} (${error.message.trim()}); ${advice}.`);
}

/** Why there is no password that AWS would take. */
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
