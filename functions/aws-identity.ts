import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';

/** The credentials and the region that requests to AWS are signed with. */
export type AwsIdentity = Pick<EventBridgeClient['config'], 'credentials' | 'region' | 'sha256'>;

/** The connections and timeouts of a client, for requests to AWS. */
export type AwsConnection = Pick<EventBridgeClient['config'], 'requestHandler' | 'streamCollector' | 'useFipsEndpoint'>;
