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

/** @throws Error for props that have no effect without a network */
export function checkNetwork(props: BullbridgeProps): void {
  const { securityGroup } = RedisAccess._accessOf(props.redis);
  if (props.vpc !== undefined) return;
  const { vpcEndpoints, vpcSubnets, securityGroups, redriveInVpc } = props;
  const needs = { vpcEndpoints, vpcSubnets, securityGroups, redriveInVpc, 'the securityGroup of redis': securityGroup };
  for (const [prop, value] of Object.entries(needs)) {
    if (value) throw new Error(`${prop} needs the prop vpc, got none`);
  }
}

/**
 * Creates the endpoints through which the functions reach AWS from a network without NAT, if the props ask for them.
 *
 * They are open to the whole network: an endpoint takes over the name of its service for everything that runs there.
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

/** Opens the security group of Redis, if it is known, to the groups of the functions. */
export function letIn(groups: readonly ISecurityGroup[], redis: RedisAccess): void {
  const { securityGroup, ports } = RedisAccess._accessOf(redis);
  if (securityGroup === undefined) return;
  for (const group of groups) {
    for (const port of ports.map((number) => Port.tcp(number))) {
      // In the stack of the functions: it may depend on the stack of Redis, but not the other way round.
      securityGroup.addIngressRule(group, port, 'bullbridge', true);
      if (!group.allowAllOutbound) group.addEgressRule(securityGroup, port, 'Redis');
    }
  }
}
