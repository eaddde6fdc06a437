import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Code, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { build } from 'esbuild';

// A consumer's own app, with the bus of the context value `bus`: everything goes to a queue, failed jobs to examples/consumer.ts.
const CONSUMER = 'dist/consumer';
await build({
  entryPoints: ['examples/consumer.ts'],
  outfile: `${CONSUMER}/index.mjs`,
  bundle: true,
  format: 'esm',
  platform: 'node',
  logLevel: 'warning',
});

const stack = new Stack(new App(), 'Subscribers');
const eventBus = EventBus.fromEventBusName(stack, 'Bus', stack.node.getContext('bus'));
const queue = new Queue(stack, 'Everything');
const consumer = new Lambda(stack, 'Consumer', {
  code: Code.fromAsset(CONSUMER),
  handler: 'index.handler',
  runtime: Runtime.NODEJS_24_X,
});
new Rule(stack, 'ToQueue', {
  eventBus,
  eventPattern: { source: ['bullmq', 'bullbridge'] },
  targets: [new SqsQueue(queue)],
});
new Rule(stack, 'ToConsumer', {
  eventBus,
  eventPattern: { source: ['bullmq'], detailType: ['Job Failed'] },
  targets: [new LambdaFunction(consumer)],
});
new CfnOutput(stack, 'QueueUrl', { value: queue.queueUrl });
new CfnOutput(stack, 'ConsumerFunction', { value: consumer.functionName });
