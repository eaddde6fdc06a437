import { describe, expect, test } from 'vitest';
import { parseRedisUrl } from '../../functions/stream/redis-url.ts';

const nobody = { tls: false, user: undefined, password: undefined, db: 0 };

describe('a Redis URL', () => {
  test.each([
    ['redis://cache', { ...nobody, addresses: [{ host: 'cache', port: 0 }] }],
    ['redis://[::1]:6380/3', { ...nobody, db: 3, addresses: [{ host: '::1', port: 6380 }] }],
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
    ['redis://:pw@cache/', { ...nobody, password: 'pw', addresses: [{ host: 'cache', port: 0 }] }],
  ])('%s is read', (url, parts) => {
    expect(parseRedisUrl(url)).toEqual(parts);
  });

  test.each([
    '',
    'cache:6379',
    'http://cache',
    'redis://',
    'redis://:pw@',
    'redis://one,',
    'redis://one,,two',
    'redis://one:x',
    'redis://one:1,two:99999',
    'redis://one/db',
    'redis://%ff:pw@one',
  ])('%j is refused', (url) => {
    expect(parseRedisUrl(url)).toBeUndefined();
  });
});
