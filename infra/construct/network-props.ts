import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';

/** Props of a {@link Bullbridge} for the network that its functions run in. */
export interface NetworkProps {
  /**
   * The network of Redis, if Redis has no public address. The functions that read Redis run in it.
   *
   * EventBridge, DynamoDB, SQS, S3 and Secrets Manager must be reachable from the chosen subnets, through NAT or
   * through endpoints ({@link vpcEndpoints}).
   *
   * @default - no network; Redis must be reachable from the internet
   */
  readonly vpc?: IVpc;

  /**
   * The subnets of the network to run in.
   *
   * @default - the private subnets
   */
  readonly vpcSubnets?: SubnetSelection;

  /**
   * Whether to create the endpoints that the functions need in the network: for DynamoDB and S3, and, at an hourly
   * price, for EventBridge, SQS and Secrets Manager.
   *
   * Leave this out if the network already has them.
   *
   * @default false
   */
  readonly vpcEndpoints?: boolean;

  /**
   * The security groups of the functions. The security group of Redis must let them in, see
   * {@link RedisUrlOptions.securityGroup}.
   *
   * @default - one group for all functions; see `connections` of {@link Bullbridge.forwardFunction}
   */
  readonly securityGroups?: ISecurityGroup[];

  /**
   * Whether the function that sends dead letters again also runs in the network. It does not call Redis.
   *
   * @default false
   */
  readonly redriveInVpc?: boolean;
}
