import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';

/** The real clients of the AWS SDK for an endpoint; none of them tries twice. */
export function clientsOf(endpoint: string, requestTimeout = 30_000) {
  const settings = {
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
    requestHandler: { requestTimeout, throwOnRequestTimeout: true },
  };
  const events = new EventBridgeClient(settings);
  const sqs = new SQSClient(settings);
  const secrets = new SecretsManagerClient(settings);
  const destroy = () => {
    for (const client of [events, sqs, secrets]) client.destroy();
  };
  return { events, sqs, secrets, destroy };
}
