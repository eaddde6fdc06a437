import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readOptions } from './options.ts';
import { BullbridgeStack } from './stack.ts';

const app = new App();
// Only the look-up of a network needs the account; without it, one template works in every account.
const lookup = app.node.tryGetContext('vpcId') !== undefined;
const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
if (lookup && !account) {
  throw new Error('context vpcId needs AWS credentials, to look the network up, got none');
}
const { stackName = 'Bullbridge' } = readOptions(app.node);
new BullbridgeStack(app, stackName, { env: lookup ? { account, region } : undefined });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
