import { rootCertificates } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../functions/errors.ts';
import { readConfig } from '../functions/settings.ts';
import { withName } from './titles.ts';

const REQUIRED = {
  REDIS_URL: 'redis://:secret@cache:6379',
  EVENT_BUS_NAME: 'bullbridge',
  CHECKPOINT_TABLE: 'bullbridge',
  DEAD_LETTER_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/000000000000/parked',
};

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).faults;
  }
  return [];
}

describe('the configuration', () => {
  test('has the defaults of the reference', () => {
    const { REDIS_URL, EVENT_BUS_NAME, CHECKPOINT_TABLE, DEAD_LETTER_QUEUE_URL, ...defaults } = readConfig({
      ...REQUIRED,
      PATH: '/bin',
      AWS_REGION: 'x',
    });

    expect(defaults).toMatchInlineSnapshot(`
      {
        "BULLBRIDGE_CLOCK_SKEW_MS": 2000,
        "BULLBRIDGE_DEPLOYMENT": "local",
        "BULLBRIDGE_EVENTS": [
          "completed",
          "failed",
          "stalled",
        ],
        "BULLBRIDGE_INTERVAL_SECONDS": 60,
        "BULLBRIDGE_JOB_DATA_BYTES": 4096,
        "BULLBRIDGE_PREFIX": "bull",
        "BULLBRIDGE_PUBLISHER": "lean",
        "BULLBRIDGE_QUEUES": "*",
        "BULLBRIDGE_QUEUE_METRICS": false,
        "BULLBRIDGE_REDIS_CLUSTER": false,
        "BULLBRIDGE_SOURCE_NAME": "default",
        "BULLBRIDGE_START_FROM": {
          "default": "beginning",
          "queues": Map {},
        },
        "BULLBRIDGE_SWEEP_SIZE": 1000,
        "BULLBRIDGE_TAIL": "auto",
      }
    `);
  });

  test('reads lists, each name once', () => {
    expect(
      readConfig({ ...REQUIRED, BULLBRIDGE_QUEUES: 'emails, sp ace,emails', BULLBRIDGE_EVENTS: '*' }),
    ).toMatchObject({
      BULLBRIDGE_QUEUES: ['emails', 'sp ace'],
      BULLBRIDGE_EVENTS: '*',
    });
  });

  test.each([
    ['now', 'now', {}],
    ['now, emails=beginning,a=b=now', 'now', { emails: 'beginning', 'a=b': 'now' }],
    ['emails=now', 'beginning', { emails: 'now' }],
  ])('reads %s as the start points of queues', (text, place, queues) => {
    const { BULLBRIDGE_START_FROM } = readConfig({ ...REQUIRED, BULLBRIDGE_START_FROM: text });

    expect(BULLBRIDGE_START_FROM).toEqual({ default: place, queues: new Map(Object.entries(queues)) });
  });

  test.each(['newest', 'now,beginning', 'emails=newest', '=now', 'a:b=now', 'emails=now,emails=now', 'emails=now,now'])(
    'refuses %s as the start points of queues',
    (text) => {
      expect(faultsOf({ ...REQUIRED, BULLBRIDGE_START_FROM: text })).toEqual([
        `BULLBRIDGE_START_FROM is "${text}"; it must be beginning or now, then queue=beginning or queue=now for exceptions, separated by commas`,
      ]);
    },
  );

  test('reads the job fields of events and the omitted fields', () => {
    const given = {
      BULLBRIDGE_JOB_FIELDS: 'name+data.id,failed=trace',
      BULLBRIDGE_OMIT: 'failedReason, job.data.card',
    };
    const { BULLBRIDGE_JOB_FIELDS, BULLBRIDGE_OMIT } = readConfig({ ...REQUIRED, ...given });

    expect([...(BULLBRIDGE_JOB_FIELDS?.keys() ?? [])]).toEqual(['*', 'failed']);
    expect(BULLBRIDGE_OMIT?.map(({ text }) => text)).toEqual(['failedReason', 'job.data.card']);
    expect(faultsOf({ ...REQUIRED, BULLBRIDGE_JOB_FIELDS: 'name,opts', BULLBRIDGE_OMIT: 'id' })).toMatchInlineSnapshot(`
      [
        "BULLBRIDGE_JOB_FIELDS is "name,opts"; it must be names joined by +, then event=names for exceptions, separated by commas; the names are name, attemptsMade, attemptsStarted, timestamp, processedOn, finishedOn, delay, priority, parent, opts.<path>, data, data.<path> and trace",
        "BULLBRIDGE_OMIT is "id"; it must be a comma-separated list of names or paths that begin with attemptsMade, count, data, debounceId, deduplicatedJobId, deduplicationId, delay, failedReason, name, prev, returnvalue, fields, or job.<name>; * is any name or index",
      ]
    `);
  });

  test('treats an empty variable as one that is not set', () => {
    expect(readConfig({ ...REQUIRED, BULLBRIDGE_PREFIX: '', REDIS_URL_SECRET_ARN: '' }).BULLBRIDGE_PREFIX).toBe('bull');
  });

  test('reports all faults at once: the value, the allowed values, and the nearest name', () => {
    const faults = faultsOf({
      BULLBRIDGE_QUEUES: 'a:b,,',
      BULLBRIDGE_QUEUE: 'x',
      BULLBRIDGE_SWEEP_SIZE: '1e3',
      BULLBRIDGE_TAIL: 'sometimes',
      BULLBRIDGE_SOURCE_NAME: 'a/b',
      DEAD_LETTER_QUEUE_URL: 'parked',
      CHECKPOINT_TABLE: 'bullbridge',
    });

    expect(faults).toMatchInlineSnapshot(`
      [
        "BULLBRIDGE_QUEUES is "a:b,,"; it must be a comma-separated list of queue names (without colons), or *",
        "BULLBRIDGE_SOURCE_NAME is "a/b"; it must be 1 to 64 letters, digits, dots, dashes or underscores",
        "BULLBRIDGE_TAIL is "sometimes"; it must be auto, always or never",
        "BULLBRIDGE_SWEEP_SIZE is "1e3"; it must be a whole number from 1 to 10000",
        "EVENT_BUS_NAME is not set; it must be the name or ARN of an event bus",
        "DEAD_LETTER_QUEUE_URL is "parked"; it must be the URL of an SQS queue",
        "neither REDIS_URL nor REDIS_URL_SECRET_ARN is set; set exactly one of them",
        "BULLBRIDGE_QUEUE is not known; the nearest name is BULLBRIDGE_QUEUES",
      ]
    `);
  });

  test('needs exactly one way to find Redis', () => {
    expect(faultsOf({ ...REQUIRED, REDIS_URL_SECRET_ARN: 'arn:aws:secretsmanager:x' })).toEqual([
      'both REDIS_URL and REDIS_URL_SECRET_ARN are set; set exactly one of them',
    ]);
  });

  test.each([
    ['http://:secret@cache', 'it must begin with redis:// or rediss://'],
    [
      'redis://default:57#secret@cache',
      'an @ follows a /, ? or #: in the user and the password, special characters must',
    ],
    ['redis://:secret%@cache', 'a % in the user or the password does not begin a percent-encoded character'],
    ['redis://:secret@cache/secret', 'only a database may follow the hosts'],
    ['redis://:secret@cache?password=secret', 'only a database may follow the hosts'],
    ['redis://:secret@cache/1?db=2', 'its path and its ?db= name different databases'],
  ])('names the fault of the Redis URL %s, without the URL', (url, fault) => {
    const faults = faultsOf({ ...REQUIRED, REDIS_URL: url });

    expect(faults).toEqual([
      expect.stringContaining(`REDIS_URL is not valid (its value is not repeated here): ${fault}`),
    ]);
    expect(faults.join()).not.toContain('secret');
  });

  test('accepts several hosts, a cluster, Sentinels, a certificate in one line and a cache', () => {
    const several = { ...REQUIRED, REDIS_URL: 'rediss://me:p%40ss@one:1,two/0' };
    const pem = rootCertificates[0] ?? '';

    expect(readConfig({ ...several, BULLBRIDGE_REDIS_CLUSTER: 'true' }).BULLBRIDGE_REDIS_CLUSTER).toBe(true);
    expect(readConfig({ ...several, BULLBRIDGE_REDIS_SENTINEL: 'm' }).BULLBRIDGE_REDIS_SENTINEL).toBe('m');
    const tls = { ...REQUIRED, REDIS_URL: 'rediss://me@cache', BULLBRIDGE_REDIS_CA: pem.replaceAll('\n', '\\n') };
    expect(readConfig({ ...tls, BULLBRIDGE_REDIS_IAM: 'elasticache-serverless:My-cache' })).toMatchObject({
      BULLBRIDGE_REDIS_CA: pem,
      BULLBRIDGE_REDIS_IAM: { kind: 'elasticache-serverless', name: 'My-cache' },
    });
  });

  test.each(
    withName(
      [
        { BULLBRIDGE_REDIS_CA: 'ca.pem' },
        ['BULLBRIDGE_REDIS_CA is "ca.pem"; it must be a certificate in PEM, or several'],
      ],
      [
        { BULLBRIDGE_REDIS_IAM: 'cache' },
        [
          'BULLBRIDGE_REDIS_IAM is "cache"; it must be elasticache:<replication group>, elasticache-serverless:<cache> or memorydb:<cluster>',
        ],
      ],
      [
        { REDIS_URL: 'redis://one,two' },
        [
          'the URL of Redis names several hosts; only those of Sentinels (BULLBRIDGE_REDIS_SENTINEL) or of a cluster (BULLBRIDGE_REDIS_CLUSTER=true) may be several',
        ],
      ],
      [
        { BULLBRIDGE_REDIS_CLUSTER: 'true', BULLBRIDGE_REDIS_SENTINEL: 'm' },
        ['both BULLBRIDGE_REDIS_CLUSTER and BULLBRIDGE_REDIS_SENTINEL are set; a cluster has no Sentinels'],
      ],
      [
        { BULLBRIDGE_REDIS_CLUSTER: 'true', REDIS_URL: 'redis://one/2' },
        ['BULLBRIDGE_REDIS_CLUSTER is true, but the URL of Redis names database 2; a cluster has only 0'],
      ],
      [
        { BULLBRIDGE_REDIS_CA: rootCertificates[0] ?? '' },
        ['BULLBRIDGE_REDIS_CA is set, but the URL of Redis is without TLS; it must begin with rediss://'],
      ],
      [
        { BULLBRIDGE_REDIS_IAM: 'memorydb:c', BULLBRIDGE_REDIS_SENTINEL: 'm' },
        [
          'BULLBRIDGE_REDIS_IAM is set, but the URL of Redis is without TLS, which IAM needs; it must begin with rediss://',
          'BULLBRIDGE_REDIS_IAM is set, but the URL of Redis names no user; it must be rediss://<user id>@host:6379',
          'BULLBRIDGE_REDIS_IAM is set, but the URL of Redis has a password; a token is made instead: leave one of them out',
          'both BULLBRIDGE_REDIS_IAM and BULLBRIDGE_REDIS_SENTINEL are set; caches with IAM have no Sentinels',
        ],
      ],
    ),
  )('names each fault of %s', (_, environment, faults) => {
    expect(faultsOf({ ...REQUIRED, ...environment })).toEqual(faults);
  });
});
