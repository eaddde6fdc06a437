import {
  GatewayVpcEndpoint,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  type ISecurityGroup,
  Port,
} from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { BullbridgeProps } from './bullbridge-props.ts';
import type { RedisAccess } from './redis-access.ts';

type Network = Pick<BullbridgeProps, 'redis' | 'vpc' | 'vpcSubnets' | 'vpcEndpoints'>;

/** Refuses what is of use in a network only. */
export function checkNetwork({ redis, vpc, vpcEndpoints }: Network): void {
  if (vpc !== undefined) return;
  const needs = { vpcEndpoints, 'the securityGroup of redis': redis._access.securityGroup };
  for (const [prop, value] of Object.entries(needs)) {
    if (value) throw new Error(`${prop} must come with the prop vpc, got none`);
  }
}

/**
 * The ways from a network without NAT to what the functions call, where they are asked for.
 *
 * Open to the whole network: each takes over the name of its service there, for whatever else runs in it.
 */
export function createEndpoints(scope: Construct, { redis, vpc, vpcSubnets: subnets, vpcEndpoints }: Network): void {
  if (!vpc || !vpcEndpoints) return;
  const gateways = { DynamoDb: GatewayVpcEndpointAwsService.DYNAMODB, S3: GatewayVpcEndpointAwsService.S3 };
  for (const [name, service] of Object.entries(gateways)) {
    new GatewayVpcEndpoint(scope, `${name}Endpoint`, { vpc, service, subnets: subnets && [subnets] });
  }
  const interfaces = {
    EventBridge: InterfaceVpcEndpointAwsService.EVENTBRIDGE,
    Sqs: InterfaceVpcEndpointAwsService.SQS,
    ...(redis._access.secret && { SecretsManager: InterfaceVpcEndpointAwsService.SECRETS_MANAGER }),
  };
  for (const [name, service] of Object.entries(interfaces)) {
    new InterfaceVpcEndpoint(scope, `${name}Endpoint`, { vpc, service, subnets });
  }
}

/** Lets the groups of the functions in at the security group of Redis, where that is known. */
export function letIn(groups: readonly ISecurityGroup[], redis: RedisAccess): void {
  const { securityGroup, ports } = redis._access;
  if (securityGroup === undefined) return;
  for (const group of groups) {
    for (const port of ports.map((number) => Port.tcp(number))) {
      securityGroup.addIngressRule(group, port, 'bullbridge');
      if (!group.allowAllOutbound) group.addEgressRule(securityGroup, port, 'Redis');
    }
  }
}
