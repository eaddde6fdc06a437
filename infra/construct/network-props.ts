import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';

/** Where the functions of a {@link Bullbridge} that read Redis run. */
export interface NetworkProps {
  /**
   * The network of Redis, where it has no public address.
   *
   * From the chosen subnets, EventBridge, DynamoDB, SQS, S3 and Secrets Manager must be reachable: by NAT or by
   * endpoints ({@link vpcEndpoints}).
   *
   * @default - no network; Redis must be reachable from the internet
   */
  readonly vpc?: IVpc;

  /**
   * The subnets of the network to run in.
   *
   * @default - the private ones
   */
  readonly vpcSubnets?: SubnetSelection;

  /**
   * Whether to make the endpoints that the functions need in the network: of DynamoDB and S3, and, at a price by the
   * hour, of EventBridge, SQS and Secrets Manager.
   *
   * Not where the network has them already.
   *
   * @default false
   */
  readonly vpcEndpoints?: boolean;

  /**
   * The security groups to run with; that of Redis must let them in, see {@link RedisUrlOptions.securityGroup}.
   *
   * @default - one for all functions, which {@link Bullbridge.forwardFunction}'s `connections` opens others to
   */
  readonly securityGroups?: ISecurityGroup[];

  /**
   * Whether the function that sends parked events again runs in the network, too. It does not call Redis.
   *
   * @default false
   */
  readonly redriveInVpc?: boolean;
}
