import { Stack, Tokenization } from 'aws-cdk-lib';
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { check } from './check.ts';
import { allow, allowKey } from './permissions.ts';
import type { Environment } from './variables.ts';

/** Options for a Redis whose URL is in a secret. */
export interface RedisUrlOptions {
  /**
   * Certificates, as PEM text, of the authority that signed the certificate of Redis; up to 3,000 characters, since
   * Lambda allows 4 KB for the environment.
   *
   * @default - the authorities that Node trusts
   */
  readonly ca?: string;

  /**
   * Whether Redis is a cluster; the URL then names one of its nodes, or the configuration endpoint.
   *
   * @default false
   */
  readonly cluster?: boolean;

  /**
   * The name of the master at the Sentinels; the URL then names the Sentinels, separated by commas.
   *
   * @default - no Sentinels
   */
  readonly sentinel?: string;

  /**
   * The security group of Redis, which is opened to the functions. Needs the prop `vpc`.
   *
   * @default - no group; let the group of the functions in yourself, where that is needed
   */
  readonly securityGroup?: ISecurityGroup;

  /**
   * The TCP ports that {@link securityGroup} opens to the functions.
   *
   * @default - 6379, and 26379 with Sentinels
   */
  readonly ports?: readonly number[];
}

/** Options for an AWS cache with IAM authentication. */
export interface RedisIamOptions {
  /** The kind of the cache: a replication group of ElastiCache, ElastiCache Serverless, or a cluster of MemoryDB. */
  readonly service: 'elasticache' | 'elasticache-serverless' | 'memorydb';

  /** The id of the replication group, or the name of the cache or cluster. */
  readonly name: string;

  /** The host name of the endpoint: the configuration endpoint of a cluster, otherwise the primary endpoint. */
  readonly host: string;

  /**
   * The port of the endpoint.
   *
   * @default 6379
   */
  readonly port?: number;

  /** The id of the user. The user must have IAM authentication enabled, and its name must be the same as its id. */
  readonly userId: string;

  /**
   * Whether the cache is a cluster (cluster mode enabled).
   *
   * @default - true, but false with the service 'elasticache'
   */
  readonly cluster?: boolean;

  /**
   * The security group of the cache, which is opened to the functions. Needs the prop `vpc`.
   *
   * @default - no group; let the group of the functions in yourself, where that is needed
   */
  readonly securityGroup?: ISecurityGroup;
}

/** What the functions need in order to reach Redis. */
interface Access {
  readonly environment: Environment;
  readonly allow: (grantee: LambdaFunction) => void;
  /** Whether the functions read a secret. */
  readonly secret: boolean;
  readonly securityGroup: ISecurityGroup | undefined;
  readonly ports: readonly number[];
}

/** The Redis to read, and how the functions log in; a user with read permissions is enough. */
export class RedisAccess {
  /**
   * A Redis whose URL is in a secret: `redis://`, or `rediss://` for TLS, as plain text or as JSON with the key `url`.
   *
   * Each run reads the secret, so the next run already uses a new password.
   */
  static fromUrlSecret(secret: ISecret, options: RedisUrlOptions = {}): RedisAccess {
    const { ca, cluster, sentinel, securityGroup } = options;
    const { ports = sentinel === undefined ? [6379] : [6379, 26379] } = options;
    const isPem = (text: string) => text.includes('-----BEGIN CERTIFICATE-----') && text.length <= 3000;
    check('ca', ca, isPem, 'certificates as PEM text, up to 3000 characters');
    check('sentinel', sentinel, (name) => name.trim() !== '', 'the name of the master');
    if (cluster && sentinel !== undefined) throw new Error('cluster and sentinel must not both be given, got both');
    for (const port of ports) checkPort('ports', port);
    return new RedisAccess({
      environment: {
        REDIS_URL_SECRET_ARN: idOf(secret),
        BULLBRIDGE_REDIS_CA: ca,
        BULLBRIDGE_REDIS_CLUSTER: cluster?.toString(),
        BULLBRIDGE_REDIS_SENTINEL: sentinel,
      },
      allow: (grantee) => {
        // The ARN of a secret ends with a dash and six random characters, which are unknown for a secret by its name.
        const arn = secret.secretFullArn ?? `${secret.secretArn}-??????`;
        allow(grantee, arn, 'secretsmanager:GetSecretValue');
        allowKey(grantee, secret.encryptionKey, 'secretsmanager', 'Decrypt');
      },
      secret: true,
      securityGroup,
      ports,
    });
  }

  /**
   * An ElastiCache or MemoryDB in the account and region of the stack, with IAM authentication: TLS, and a token for
   * each connection instead of a password.
   *
   * https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
   * https://docs.aws.amazon.com/memorydb/latest/devguide/auth-iam.html
   */
  static withIam(options: RedisIamOptions): RedisAccess {
    const { service, name, host, port = 6379, userId, securityGroup } = options;
    const { cluster = service !== 'elasticache' } = options;
    const services = ['elasticache', 'elasticache-serverless', 'memorydb'];
    check('service', service, (text) => services.includes(text), services.map((text) => `"${text}"`).join(', '));
    // AWS stores the name in lower case; an ARN with capitals would match no cache.
    check('name', name, (text) => /^[a-z0-9-]+$/.test(text), 'lower-case letters, digits and dashes');
    check('host', host, (text) => /^[\w.-]+$/.test(text), 'a host name without protocol, user and port');
    check('userId', userId, (text) => /^[\w-]+$/.test(text), 'letters, digits and dashes');
    checkPort('port', port);
    return new RedisAccess({
      environment: {
        REDIS_URL: `rediss://${userId}@${host}:${Tokenization.stringifyNumber(port)}`,
        BULLBRIDGE_REDIS_IAM: `${service}:${name}`,
        BULLBRIDGE_REDIS_CLUSTER: cluster ? 'true' : undefined,
      },
      allow: (grantee) => {
        const arns = arnsOf(options).map((arn) => Stack.of(grantee).formatArn(arn));
        allow(grantee, arns, service === 'memorydb' ? 'memorydb:Connect' : 'elasticache:Connect');
      },
      secret: false,
      securityGroup,
      ports: [port],
    });
  }

  /**
   * The access of a prop `redis`.
   *
   * @internal
   * @throws Error for a value that is not a RedisAccess, such as a URL or a secret in plain JavaScript
   */
  static _accessOf(redis: RedisAccess): Access {
    if (redis instanceof RedisAccess) return redis.access;
    const given = typeof redis === 'string' ? 'a text (not repeated here: it may contain a password)' : typeof redis;
    throw new Error(
      `redis must be RedisAccess.fromUrlSecret(secret), with a secret that contains the URL, or RedisAccess.withIam({ … }), got ${given}`,
    );
  }

  /** Private, so that the compiler accepts only instances of this class. */
  private readonly access: Access;

  private constructor(access: Access) {
    this.access = access;
  }
}

/**
 * The complete ARN of a secret; if only the name is known, the name for a secret of this account and region.
 *
 * AWS may not find a secret by an ARN without the six random characters, if its name itself ends with a dash and six
 * characters:
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_RequestParameters
 */
function idOf(secret: ISecret): string {
  const { account, region } = Stack.of(secret);
  const isHere = secret.env.account === account && secret.env.region === region;
  return secret.secretFullArn ?? (isHere ? secret.secretName : secret.secretArn);
}

/**
 * The ARNs of the cache and of the user; a policy must allow both.
 *
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticache.html
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmemorydb.html
 */
function arnsOf({ service, name, userId }: RedisIamOptions): { service: string; resource: string }[] {
  if (service === 'memorydb') {
    return [`cluster/${name}`, `user/${userId}`].map((resource) => ({ service: 'memorydb', resource }));
  }
  const cache = service === 'elasticache' ? 'replicationgroup' : 'serverlesscache';
  return [`${cache}:${name}`, `user:${userId}`].map((resource) => ({ service: 'elasticache', resource }));
}

function checkPort(prop: string, port: number): void {
  const isPort = (number: number) => Number.isInteger(number) && number >= 1 && number <= 65_535;
  check(prop, port, isPort, 'a whole number from 1 to 65535');
}
