import { readFileSync } from 'node:fs';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { parseRedisUrl } from '../../functions/redis/url.ts';
import { RedisAccess, type RedisIamOptions } from '../construct/redis-access.ts';
import { flagOf, type Options } from './options.ts';

const REMEDY =
  '-c redis=<name or complete ARN of the secret with its URL>, or, with IAM, -c redis=rediss://<user>@<host>:6379 -c redisIam=<service>:<name>';

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html */
const SECRET = /^(arn:[^:]+:secretsmanager:[^:]+:\d+:secret:)?[\w/+=.@-]+$/;

/** The Redis that the options name. */
export function redisOf(scope: Construct, options: Options): RedisAccess {
  const { redis, redisIam, redisSecurityGroupId: groupId } = options;
  if (redis === undefined) throw new Error(`context redis must name the Redis to read, got none: ${REMEDY}`);
  const securityGroup =
    groupId === undefined ? undefined : SecurityGroup.fromSecurityGroupId(scope, 'RedisGroup', groupId);
  const cluster = flagOf(options, 'redisCluster');
  if (redisIam !== undefined) {
    return RedisAccess.withIam({ ...cacheOf(redisIam), ...endpointOf(redis), cluster, securityGroup });
  }
  if (!SECRET.test(redis)) {
    // It may be a URL with a password, and more people may read a template than a secret.
    throw new Error(`context redis must name a secret; the given value is not repeated here: ${REMEDY}`);
  }
  const secret = redis.startsWith('arn:')
    ? Secret.fromSecretCompleteArn(scope, 'RedisUrl', redis)
    : Secret.fromSecretNameV2(scope, 'RedisUrl', redis);
  const { redisSentinel: sentinel, redisCaFile: file } = options;
  const ca = file === undefined ? undefined : readFileSync(file, 'utf8').trim();
  return RedisAccess.fromUrlSecret(secret, { ca, cluster, sentinel, securityGroup });
}

function cacheOf(redisIam: string): Pick<RedisIamOptions, 'service' | 'name'> {
  const [, service, name] = /^(elasticache|elasticache-serverless|memorydb):(.+)$/.exec(redisIam) ?? [];
  if (service !== undefined && name !== undefined) return { service: service as RedisIamOptions['service'], name };
  const allowed = 'elasticache:<replication group>, elasticache-serverless:<cache> or memorydb:<cluster>';
  throw new Error(`context redisIam must be ${allowed}, got "${redisIam}"`);
}

function endpointOf(redis: string): Pick<RedisIamOptions, 'host' | 'port' | 'userId'> {
  const { url, fault } = parseRedisUrl(redis);
  const { tls, user, password, db, addresses: [address, ...others] = [] } = url ?? {};
  if (tls && user && !password && db === 0 && address && others.length === 0) {
    return { userId: user, host: address.host, port: address.port || undefined };
  }
  const allowed = 'a URL such as rediss://<user>@<host>:6379, without a password or a database';
  const found = fault ?? 'it is another URL';
  throw new Error(`context redis must be ${allowed}, with redisIam; the given value is not repeated here: ${found}`);
}
