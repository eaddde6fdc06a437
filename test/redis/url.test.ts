import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { parseRedisUrl } from '../../functions/redis/url.ts';

const plain = { tls: false, user: undefined, password: undefined, db: 0 };
const cache = [{ host: 'cache', port: 0 }];

describe('a Redis URL', () => {
  test.each([
    ['redis://cache', { ...plain, addresses: cache }],
    ['redis://[::1]:6380/3', { ...plain, db: 3, addresses: [{ host: '::1', port: 6380 }] }],
    [
      'rediss://me:p%40s@s%2F@one:1,two,[fe80::1]:3',
      {
        tls: true,
        user: 'me',
        password: 'p@s@s/',
        db: 0,
        addresses: [
          { host: 'one', port: 1 },
          { host: 'two', port: 0 },
          { host: 'fe80::1', port: 3 },
        ],
      },
    ],
    ['redis://:pw@cache/', { ...plain, password: 'pw', addresses: cache }],
    ['redis://me:@cache', { ...plain, user: 'me', addresses: cache }],
    ['redis://me@redis_1.my-net', { ...plain, user: 'me', addresses: [{ host: 'redis_1.my-net', port: 0 }] }],
    ['redis://:a:b:c@cache', { ...plain, password: 'a:b:c', addresses: cache }],
    ['redis://:pä ß\\@cache', { ...plain, password: 'pä ß\\', addresses: cache }],
  ])('%s is parsed', (url, parts) => {
    expect(parseRedisUrl(url)).toEqual({ url: parts });
  });

  test.each([
    ['', 0],
    ['/', 0],
    ['/0', 0],
    ['/2', 2],
    ['/15', 15],
    ['?db=2', 2],
    ['/?db=2', 2],
    ['/2?db=2', 2],
    ['/02?db=2', 2],
  ])('has its database in its path, or in its query as in ioredis and BullMQ: "%s" is %i', (rest, db) => {
    for (const hosts of ['cache:6379', 'one:1,two,[::1]:3']) {
      expect(parseRedisUrl(`redis://me:pw@${hosts}${rest}`)).toMatchObject({ url: { db } });
    }
  });

  test.each(['/2?db=3', '/0?db=1', '/1?db=0'])('"%s" names two databases', (rest) => {
    expect(parseRedisUrl(`redis://one,two${rest}`)).toEqual({
      fault: 'its path and its ?db= name different databases; name one',
    });
  });

  test.each([
    '/2x',
    '/-1',
    '/1e1',
    '/0x1',
    '/ 2',
    '/2 ',
    '/+2',
    '/2.0',
    '/2/3',
    '/2/',
    '//2',
    '/db2',
    '/%32',
    '/²',
    '/12345678901234567890',
    '?',
    '?db',
    '?db=',
    '?db=-1',
    '?db=2x',
    '?DB=2',
    '?db=2&db=2',
    '?db=2&family=6',
    '?family=6',
    '?password=hunter2',
    '/2?tls=true',
    '#',
    '#2',
    '/2#x',
    '?db=2#x',
  ])('"%s" behind the hosts is refused and not repeated', (rest) => {
    for (const hosts of ['cache', 'one:1,two']) {
      expect(parseRedisUrl(`redis://me:pw@${hosts}${rest}`)).toEqual({
        fault:
          'only a database may follow the hosts, as in redis://host:6379/2 or redis://host:6379?db=2; a /, ? or # in the user or the password must be percent-encoded',
      });
    }
  });

  test.each([
    ['', 'it must begin with redis:// or rediss://'],
    ['cache:6379', 'it must begin with redis:// or rediss://'],
    ['http://cache', 'it must begin with redis:// or rediss://'],
    ['REDIS://cache', 'it must begin with redis:// or rediss://'],
    [' redis://cache', 'it must begin with redis:// or rediss://'],
    ['redis:/cache', 'it must begin with redis:// or rediss://'],
    ...[
      'redis://',
      'redis://:pw@',
      'redis://one,',
      'redis://one,,two',
      'redis://one:x',
      'redis://one:',
      'redis://one:0',
      'redis://one:1,two:99999',
      'redis://one:1:2',
      'redis://o ne',
      'redis://one\n',
      'redis://[::1',
      'redis://[one]',
      'redis://::1',
      'redis://me:pw@one%2Ftwo',
    ].map((url) => [
      url,
      'it must name a host, or several separated by commas, each as host or host:port, with a port from 1 to 65535',
    ]),
    ...['redis://default:57#Wc9@h', 'redis://:a?b@h', 'redis://:a/b@h', 'redis://h/2?password=a@b'].map((url) => [
      url,
      'an @ follows a /, ? or #: in the user and the password, special characters must be percent-encoded (% as %25, # as %23, / as %2F, ? as %3F, @ as %40)',
    ]),
    ...['redis://:100%@h', 'redis://:%zz@h', 'redis://:%4@h', 'redis://%ff:pw@h', 'redis://me:%c3%28@h'].map((url) => [
      url,
      'a % in the user or the password does not begin a percent-encoded character; write % itself as %25',
    ]),
  ])('%j is refused: %s', (url, fault) => {
    expect(parseRedisUrl(url as string)).toEqual({ fault });
  });
});

const password = fc.oneof(
  fc.string({ minLength: 1, maxLength: 24, unit: 'grapheme' }),
  fc.string({ minLength: 1, maxLength: 24, unit: fc.constantFrom(...'ab5:,@#?/%[]&=+ \\') }),
  fc.stringMatching(/^\d{1,5}[#?/][a-z0-9]{3,9}(@[a-z]{3,5})?$/),
);
const place = fc.constantFrom('cache.example:6379', 'cache.example', 'one:1,two:2', '[::1]:6380');
const end = fc.constantFrom('', '/', '/3', '?db=3');

/** The hosts that a URL names, as it names them. */
const hostsOf = (url: { addresses: readonly { host: string; port: number }[] } | undefined) =>
  url?.addresses.map(({ host, port }) => (host.includes(':') ? `[${host}]` : host) + (port ? `:${port}` : '')).join();

describe('a password', () => {
  property.prop([password, place, end])('comes back as it is when it is percent-encoded', (secret, hosts, rest) => {
    const { url } = parseRedisUrl(`rediss://me:${encodeURIComponent(secret)}@${hosts}${rest}`);

    expect(url).toMatchObject({ user: 'me', password: secret, db: rest.includes('3') ? 3 : 0 });
    expect(hostsOf(url)).toBe(hosts);
  });

  property.prop([password, place, end], { numRuns: 2000 })(
    'that is not encoded is read unchanged, or refused without a part of it; the hosts never change',
    (secret, hosts, rest) => {
      const { url, fault } = parseRedisUrl(`redis://me:${secret}@${hosts}${rest}`);

      if (url) {
        expect(hostsOf(url)).toBe(hosts);
        expect(url.password).toBe(/%[\da-f]{2}/i.test(secret) ? decodeURIComponent(secret) : secret);
      } else {
        // A fault is written beforehand, so that nothing of the URL can be in it.
        expect(fault).toBe(parseRedisUrl(/[/?#]/.test(secret) ? 'redis://a/@' : 'redis://%@a').fault);
      }
    },
  );
});
