import {
  GatewayVpcEndpoint,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  type IVpc,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';

export interface EndpointOptions {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection | undefined;
  /** Whether a secret is read. */
  readonly secrets: boolean;
}

/**
 * The ways from a network without NAT to what the functions call.
 *
 * Open to the whole network: each takes over the name of its service there, for whatever else runs in it.
 */
export function createEndpoints(scope: Construct, { vpc, subnets, secrets }: EndpointOptions): void {
  const gateways = { DynamoDb: GatewayVpcEndpointAwsService.DYNAMODB, S3: GatewayVpcEndpointAwsService.S3 };
  for (const [name, service] of Object.entries(gateways)) {
    new GatewayVpcEndpoint(scope, `${name}Endpoint`, { vpc, service, subnets: subnets && [subnets] });
  }
  const interfaces = {
    EventBridge: InterfaceVpcEndpointAwsService.EVENTBRIDGE,
    Sqs: InterfaceVpcEndpointAwsService.SQS,
    ...(secrets && { SecretsManager: InterfaceVpcEndpointAwsService.SECRETS_MANAGER }),
  };
  for (const [name, service] of Object.entries(interfaces)) {
    new InterfaceVpcEndpoint(scope, `${name}Endpoint`, { vpc, service, subnets });
  }
}
