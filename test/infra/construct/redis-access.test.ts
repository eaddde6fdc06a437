import type { Stack } from 'aws-cdk-lib';
import { Token } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, test } from 'vitest';
import { RedisAccess, type RedisIamOptions, type RedisUrlOptions } from '../../../infra/construct/redis-access.ts';
import { withName } from '../../titles.ts';
import { createStack, environmentOf, permissionsOf, synthesize } from '../synth.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
const CACHE = { service: 'elasticache', name: 'jobs', host: 'jobs.example.com', userId: 'bullbridge' } as const;

const byUrl = (options?: RedisUrlOptions) => (stack: Stack) => ({
  redis: RedisAccess.fromUrlSecret(Secret.fromSecretNameV2(stack, 'Named', 'redis'), options),
});
const byIam = (options: RedisIamOptions) => ({ redis: RedisAccess.withIam(options) });

describe('access with the URL in a secret', () => {
  test('reaches one server', () => {
    const environment = environmentOf(synthesize(byUrl()));
    expect(Object.keys(environment).filter((name) => name.includes('REDIS'))).toEqual(['REDIS_URL_SECRET_ARN']);
  });

  test('reaches a cluster with an authority of the user', () => {
    const environment = environmentOf(synthesize(byUrl({ ca: PEM, cluster: true })));
    expect(environment).toMatchObject({ BULLBRIDGE_REDIS_CA: PEM, BULLBRIDGE_REDIS_CLUSTER: 'true' });
  });

  test('reaches the master that Sentinels name', () => {
    expect(environmentOf(synthesize(byUrl({ sentinel: 'jobs' })))).toMatchObject({ BULLBRIDGE_REDIS_SENTINEL: 'jobs' });
  });

  test.for(
    withName(
      [{ ca: '/etc/ssl/ca.pem' }, 'ca must be certificates as PEM text, up to 3000 characters, got "/etc/ssl/ca.pem"'],
      [{ sentinel: '' }, 'sentinel must be the name of the master, got ""'],
      [{ cluster: true, sentinel: 'jobs' }, 'cluster and sentinel must not both be given, got both'],
      [{ ports: [0] }, 'ports must be a whole number from 1 to 65535, got 0'],
    ),
  )('refuses %s', ([, options, fault]) => {
    expect(() => createStack(byUrl(options))).toThrow(new Error(fault));
  });
});

describe('access with IAM', () => {
  test.for([
    ['elasticache', 'elasticache:Connect', [':replicationgroup:jobs', ':user:bullbridge'], undefined],
    ['elasticache-serverless', 'elasticache:Connect', [':serverlesscache:jobs', ':user:bullbridge'], 'true'],
    ['memorydb', 'memorydb:Connect', [':cluster/jobs', ':user/bullbridge'], 'true'],
  ] as const)('to %s allows connecting to the cache as the user, and no secret', ([service, action, ends, cluster]) => {
    const template = synthesize(byIam({ ...CACHE, service }));
    const environment = environmentOf(template);
    expect(environment).toMatchObject({
      REDIS_URL: 'rediss://bullbridge@jobs.example.com:6379',
      BULLBRIDGE_REDIS_IAM: `${service}:jobs`,
    });
    expect(environment['BULLBRIDGE_REDIS_CLUSTER']).toBe(cluster);
    expect(environment).not.toHaveProperty('REDIS_URL_SECRET_ARN');
    const [prefix] = action.split(':');
    const here = [{ Ref: 'AWS::Region' }, ':', { Ref: 'AWS::AccountId' }];
    const arn = (end: string) => ({
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:${prefix}:`, ...here, end]],
    });
    for (const name of ['Forward', 'Reconcile']) {
      expect(permissionsOf(template, `Bullbridge${name}Role`)).toContainEqual([action, ends.map(arn)]);
    }
    expect(JSON.stringify(permissionsOf(template, 'BullbridgeRedriveRole'))).not.toContain(':Connect');
    expect(JSON.stringify(template.toJSON())).not.toContain('secretsmanager');
  });

  test('accepts an endpoint that is known only at deployment', () => {
    const host = Token.asString({ 'Fn::GetAtt': ['Cache', 'PrimaryEndPoint.Address'] });
    const port = Token.asNumber({ Port: 1 });
    expect(environmentOf(synthesize(byIam({ ...CACHE, host, port })))['REDIS_URL']).toEqual({
      'Fn::Join': [
        '',
        ['rediss://bullbridge@', { 'Fn::GetAtt': ['Cache', 'PrimaryEndPoint.Address'] }, ':', { Port: 1 }],
      ],
    });
  });

  test.for(
    withName(
      [
        { service: 'redis' as 'memorydb' },
        'service must be "elasticache", "elasticache-serverless", "memorydb", got "redis"',
      ],
      [{ name: 'Jobs' }, 'name must be lower-case letters, digits and dashes, got "Jobs"'],
      [{ host: 'rediss://x' }, 'host must be a host name without protocol, user and port, got "rediss://x"'],
      [{ userId: 'a:b' }, 'userId must be letters, digits and dashes, got "a:b"'],
      [{ port: 70_000 }, 'port must be a whole number from 1 to 65535, got 70000'],
    ),
  )('refuses %s', ([, options, fault]) => {
    expect(() => RedisAccess.withIam({ ...CACHE, ...options })).toThrow(new Error(fault));
  });
});
