import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, onTestFinished } from 'vitest';
import { tokensOf } from '../../functions/redis/iam-token.ts';
import type { IamCache } from '../../functions/redis/settings.ts';
import { signatureOf } from '../sigv4.ts';

const NOW = new Date('2026-11-24T12:34:56.789Z');

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

function tokenOf(cache: IamCache, user: string, credentials: Keys): Promise<string> {
  const client = new EventBridgeClient({ region: 'eu-west-1', credentials });
  onTestFinished(() => client.destroy());
  return tokensOf(client.config, cache, user, () => NOW)();
}

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

describe('a token for Redis', () => {
  test('is the signed request that AWS documents, without its scheme', async () => {
    const token = await tokenOf({ kind: 'elasticache', name: 'My-Cache' }, 'forwarder', keys);

    expect(token.replace(/[\da-f]{64}$/, '<signature>')).toBe(
      'my-cache/?Action=connect&User=forwarder&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261124%2Feu-west-1%2Felasticache%2Faws4_request&X-Amz-Date=20261124T123456Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=<signature>',
    );
  });

  test('names a serverless cache and the service MemoryDB', async () => {
    const serverless = new URL(`http://${await tokenOf({ kind: 'elasticache-serverless', name: 'c' }, 'u', keys)}`);
    const memorydb = new URL(`http://${await tokenOf({ kind: 'memorydb', name: 'c' }, 'u', keys)}`);

    expect(serverless.searchParams.get('ResourceType')).toBe('ServerlessCache');
    expect(serverless.searchParams.get('X-Amz-Credential')).toMatch(/\/elasticache\/aws4_request$/);
    expect(memorydb.searchParams.has('ResourceType')).toBe(false);
    expect(memorydb.searchParams.get('X-Amz-Credential')).toMatch(/\/memorydb\/aws4_request$/);
  });

  test.prop([
    fc.constantFrom('elasticache', 'elasticache-serverless', 'memorydb'),
    fc.stringMatching(/^[a-z][a-z\d-]{0,39}$/),
    fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' }),
    fc.option(fc.base64String({ minLength: 4 }), { nil: undefined }),
  ])('has the signature of the published steps', async (kind, name, user, sessionToken) => {
    const credentials = { ...keys, ...(sessionToken && { sessionToken }) };
    const token = await tokenOf({ kind, name } as IamCache, user, credentials);
    const url = new URL(`http://${token}`);

    expect(url.searchParams.get('User')).toBe(user);
    expect(url.searchParams.get('X-Amz-Security-Token')).toBe(sessionToken ?? null);
    expect(signatureOf(token, keys.secretAccessKey)).toBe(url.searchParams.get('X-Amz-Signature'));
  });
});

test("the steps give the signature of AWS's example", () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
  const example =
    'examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host';

  expect(signatureOf(example, 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'UNSIGNED-PAYLOAD')).toBe(
    'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  );
});
