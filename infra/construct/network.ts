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
import { RedisAccess } from './redis-access.ts';

type Network = Pick<BullbridgeProps, 'redis' | 'vpc' | 'vpcSubnets' | 'vpcEndpoints'>;

/** Refuses what is of use in a network only. */
export function checkNetwork(props: BullbridgeProps): void {
  const { securityGroup } = RedisAccess._accessOf(props.redis);
  if (props.vpc !== undefined) return;
  const { vpcEndpoints, vpcSubnets, securityGroups, redriveInVpc } = props;
  const needs = { vpcEndpoints, vpcSubnets, securityGroups, redriveInVpc, 'the securityGroup of redis': securityGroup };
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
    ...(RedisAccess._accessOf(redis).secret && { SecretsManager: InterfaceVpcEndpointAwsService.SECRETS_MANAGER }),
  };
  for (const [name, service] of Object.entries(interfaces)) {
    new InterfaceVpcEndpoint(scope, `${name}Endpoint`, { vpc, service, subnets });
  }
}

/** Lets the groups of the functions in at the security group of Redis, where that is known. */
export function letIn(groups: readonly ISecurityGroup[], redis: RedisAccess): void {
  const { securityGroup, ports } = RedisAccess._accessOf(redis);
  if (securityGroup === undefined) return;
  for (const group of groups) {
    for (const port of ports.map((number) => Port.tcp(number))) {
      // In the stack of the functions, which may need the one of Redis but not the other way round.
      securityGroup.addIngressRule(group, port, 'bullbridge', true);
      if (!group.allowAllOutbound) group.addEgressRule(securityGroup, port, 'Redis');
    }
  }
}
