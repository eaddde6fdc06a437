import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';

/** Who a function is to AWS, and where: what signs its requests. */
export type AwsIdentity = Pick<EventBridgeClient['config'], 'credentials' | 'region' | 'sha256'>;

/** How requests are sent to AWS: over the connections and with the timeouts of a client. */
export type AwsConnection = Pick<EventBridgeClient['config'], 'requestHandler' | 'streamCollector' | 'useFipsEndpoint'>;
