import type { RedisUrl } from './url.ts';

/** An AWS cache that accepts IAM tokens as passwords. */
export interface IamCache {
  readonly kind: 'elasticache' | 'elasticache-serverless' | 'memorydb';
  /** Name of the replication group, of the serverless cache, or of the cluster. */
  readonly name: string;
}

/** Parses `elasticache:<replication group>`, `elasticache-serverless:<cache>` or `memorydb:<cluster>`. */
export function parseIamCache(text: string): IamCache | undefined {
  const [, kind, name] = /^(elasticache|elasticache-serverless|memorydb):([a-z\d][a-z\d-]*)$/i.exec(text) ?? [];
  return kind && name ? { kind: kind.toLowerCase() as IamCache['kind'], name } : undefined;
}

/** The settings of Redis in addition to its URL. */
export interface RedisSettings {
  readonly BULLBRIDGE_REDIS_CLUSTER?: boolean | undefined;
  readonly BULLBRIDGE_REDIS_SENTINEL?: string | undefined;
  readonly BULLBRIDGE_REDIS_CA?: string | undefined;
  readonly BULLBRIDGE_REDIS_IAM?: IamCache | undefined;
}

/**
 * Finds settings that contradict each other or the URL. The faults do not contain the URL, because of its password.
 *
 * @param url absent if it is in a secret or not valid
 */
export function redisFaults(url: RedisUrl | undefined, settings: RedisSettings): string[] {
  const {
    BULLBRIDGE_REDIS_CLUSTER: cluster,
    BULLBRIDGE_REDIS_SENTINEL: sentinel,
    BULLBRIDGE_REDIS_CA: ca,
    BULLBRIDGE_REDIS_IAM: iam,
  } = settings;
  const { addresses = [], tls = true, user, password, db = 0 } = url ?? {};
  const given = 'the URL of Redis';
  const faults: (string | false | undefined)[] = [
    addresses.length > 1 &&
      !cluster &&
      sentinel === undefined &&
      `${given} names several hosts; only those of Sentinels (BULLBRIDGE_REDIS_SENTINEL) or of a cluster (BULLBRIDGE_REDIS_CLUSTER=true) may be several`,
    cluster &&
      sentinel !== undefined &&
      'both BULLBRIDGE_REDIS_CLUSTER and BULLBRIDGE_REDIS_SENTINEL are set; a cluster has no Sentinels',
    cluster && db > 0 && `BULLBRIDGE_REDIS_CLUSTER is true, but ${given} names database ${db}; a cluster has only 0`,
    ca !== undefined && !tls && `BULLBRIDGE_REDIS_CA is set, but ${given} is without TLS; it must begin with rediss://`,
  ];
  if (iam && addresses.length > 0) {
    faults.push(
      !tls && `BULLBRIDGE_REDIS_IAM is set, but ${given} is without TLS, which IAM needs; it must begin with rediss://`,
      user === undefined &&
        `BULLBRIDGE_REDIS_IAM is set, but ${given} names no user; it must be rediss://<user id>@host:6379`,
      password !== undefined &&
        `BULLBRIDGE_REDIS_IAM is set, but ${given} has a password; a token is made instead: leave one of them out`,
      sentinel !== undefined &&
        'both BULLBRIDGE_REDIS_IAM and BULLBRIDGE_REDIS_SENTINEL are set; caches with IAM have no Sentinels',
    );
  }
  return faults.filter((fault) => typeof fault === 'string');
}
