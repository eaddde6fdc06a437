import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { AwsIdentity } from '../aws-identity.ts';
import { ConfigError } from '../errors.ts';
import { tokensOf } from './iam-token.ts';
import type { RedisOptions } from './port.ts';
import { type RedisSettings, redisFaults } from './settings.ts';
import { readRedisUrl } from './url.ts';

/** The settings of the connection to Redis; exactly one of the first two is set. */
export interface RedisAccessSettings extends RedisSettings {
  readonly REDIS_URL?: string | undefined;
  readonly REDIS_URL_SECRET_ARN?: string | undefined;
}

/** The secret as JSON. A secret that is plain text is the URL. */
interface Secret {
  readonly url: string;
  readonly ca?: string | undefined;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
}

const KEYS = ['url', 'ca', 'sentinelUsername', 'sentinelPassword'] as const;

/** The client for the secret, and the identity that signs IAM tokens. */
export interface AccessClients {
  readonly secrets: SecretsManagerClient;
  readonly identity: AwsIdentity;
  readonly now: () => Date;
}

/**
 * Reads the options of the connection to Redis from the environment or from the secret. Each run reads the secret, so
 * the next run already uses a new password.
 *
 * @throws {ConfigError} when the secret cannot be read, contains neither a URL nor JSON with the key `url`, or
 * contradicts the settings
 */
export async function readRedisAccess(
  settings: RedisAccessSettings,
  { secrets, identity, now }: AccessClients,
): Promise<RedisOptions> {
  const {
    REDIS_URL,
    REDIS_URL_SECRET_ARN: arn,
    BULLBRIDGE_REDIS_SENTINEL: master,
    BULLBRIDGE_REDIS_IAM: iam,
  } = settings;
  const secret = REDIS_URL === undefined ? await readSecret(arn, secrets) : { url: REDIS_URL };
  const ca = settings.BULLBRIDGE_REDIS_CA ?? secret.ca;
  const url = readRedisUrl(secret.url);
  const faults = redisFaults(url, { ...settings, BULLBRIDGE_REDIS_CA: ca });
  if (faults.length > 0) throw new ConfigError(faults);
  return {
    url: secret.url,
    cluster: settings.BULLBRIDGE_REDIS_CLUSTER,
    ...(master !== undefined && {
      sentinel: { master, user: secret.sentinelUsername, password: secret.sentinelPassword },
    }),
    ca,
    ...(iam && url.user !== undefined && { token: tokensOf(identity, iam, url.user, now) }),
  };
}

async function readSecret(arn: string | undefined, client: SecretsManagerClient): Promise<Secret> {
  const answer = await client.send(new GetSecretValueCommand({ SecretId: arn })).catch((error: Error) => {
    const remedy =
      'check that it exists and grant secretsmanager:GetSecretValue (and kms:Decrypt if it has its own key)';
    throw new ConfigError([
      `the secret ${arn} (REDIS_URL_SECRET_ARN) could not be read: ${error.name}: ${error.message}; ${remedy}`,
    ]);
  });
  const text = answer.SecretString?.trim() ?? '';
  if (!text.startsWith('{')) return { url: text };
  const found = textsOf(text);
  if (found.url === undefined) {
    throw new ConfigError([
      `the secret ${arn} (REDIS_URL_SECRET_ARN) is JSON without a text under the key "url" (it is not repeated here)`,
    ]);
  }
  return { ...found, url: found.url };
}

function textsOf(json: string): Partial<Secret> {
  try {
    const values = JSON.parse(json);
    return Object.fromEntries(KEYS.flatMap((key) => (typeof values[key] === 'string' ? [[key, values[key]]] : [])));
  } catch {
    return {};
  }
}
