import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Config } from './config.ts';
import { ConfigError } from './errors.ts';

/**
 * The URL of Redis: from the environment, or from its secret, which is read at each run so that a new password is used at once.
 *
 * @throws {ConfigError} when the secret cannot be read, or holds neither a URL nor JSON with the key `url`
 */
export async function readRedisUrl(config: Config, client: SecretsManagerClient): Promise<string> {
  const { REDIS_URL: url, REDIS_URL_SECRET_ARN: arn } = config;
  if (url !== undefined) return url;
  const secret = await client.send(new GetSecretValueCommand({ SecretId: arn })).catch((error: Error) => {
    const remedy =
      'check that it exists and grant secretsmanager:GetSecretValue (and kms:Decrypt where it has a key of its own)';
    throw new ConfigError([
      `the secret ${arn} (REDIS_URL_SECRET_ARN) could not be read: ${error.name}: ${error.message}; ${remedy}`,
    ]);
  });
  const text = secret.SecretString?.trim() ?? '';
  if (!text.startsWith('{')) return text;
  const found = urlOf(text);
  if (found === undefined) {
    throw new ConfigError([
      `the secret ${arn} (REDIS_URL_SECRET_ARN) is JSON without a text under the key "url" (it is not repeated here)`,
    ]);
  }
  return found;
}

function urlOf(json: string): string | undefined {
  try {
    const { url } = JSON.parse(json);
    return typeof url === 'string' ? url : undefined;
  } catch {
    return undefined;
  }
}
