import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsIdentity } from '../aws-identity.ts';
import type { IamCache } from './settings.ts';

/** Seconds that a token is valid; the maximum. */
const VALID_FOR = 900;

/**
 * Creates tokens, the passwords of a user with IAM authentication, with the credentials and the region of the function.
 *
 * A token is the signed URL of a request `connect`, without its scheme, valid for 15 minutes. The request is never
 * sent. The name of the cache is in lower case.
 * https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
 * https://docs.aws.amazon.com/memorydb/latest/devguide/auth-iam.html
 */
export function tokensOf(
  { credentials, region, sha256 }: AwsIdentity,
  { kind, name }: IamCache,
  user: string,
  now: () => Date,
): () => Promise<string> {
  const host = name.toLowerCase();
  const service = kind === 'memorydb' ? 'memorydb' : 'elasticache';
  const signer = new SignatureV4({ credentials, region, sha256, service });
  const query = {
    Action: 'connect',
    User: user,
    ...(kind === 'elasticache-serverless' && { ResourceType: 'ServerlessCache' }),
  };
  return async () => {
    const request = { method: 'GET', protocol: 'http:', hostname: host, path: '/', headers: { host }, query };
    const signed = await signer.presign(request, { expiresIn: VALID_FOR, signingDate: now() });
    const parameters = Object.entries(signed.query ?? {}).map(
      ([key, value]) => `${key}=${encodeURIComponent(`${value}`)}`,
    );
    return `${host}/?${parameters.join('&')}`;
  };
}
