import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Code, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { build } from 'esbuild';
import { buildPackage } from '../../infra/build/package.ts';

// A consumer's own app, with the bus of the context value `bus`: everything goes to a queue, failed jobs to
// examples/consumer.ts, and everything through another queue to listener.mjs.
const CONSUMER = 'dist/consumer-function';
await build({
  entryPoints: ['examples/consumer.ts'],
  outfile: `${CONSUMER}/index.mjs`,
  bundle: true,
  format: 'esm',
  platform: 'node',
  logLevel: 'warning',
});

// With the package as npm installs its tarball.
const LISTENER = 'dist/listener-function';
const installed = `${LISTENER}/node_modules/bullbridge`;
await buildPackage();
rmSync(LISTENER, { recursive: true, force: true });
mkdirSync(installed, { recursive: true });
const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', 'dist'];
const tarball = execFileSync('npm', pack, { encoding: 'utf8' }).trim();
execFileSync('tar', ['-xzf', `dist/${tarball}`, '--strip-components=1', '-C', installed]);
copyFileSync('test/localstack/listener.mjs', `${LISTENER}/index.mjs`);

const stack = new Stack(new App(), 'Subscribers');
const eventBus = EventBus.fromEventBusName(stack, 'Bus', stack.node.getContext('bus'));
const queue = new Queue(stack, 'Everything');
const consumer = functionOf('Consumer', CONSUMER);
const listener = functionOf('Listener', LISTENER);
const heard = new Queue(stack, 'Heard');
listener.addEventSource(new SqsEventSource(heard, { reportBatchItemFailures: true }));
new Rule(stack, 'ToQueues', {
  eventBus,
  eventPattern: { source: ['bullmq', 'bullbridge'] },
  targets: [new SqsQueue(queue), new SqsQueue(heard)],
});
new Rule(stack, 'ToConsumer', {
  eventBus,
  eventPattern: { source: ['bullmq'], detailType: ['Job Failed'] },
  targets: [new LambdaFunction(consumer)],
});
new CfnOutput(stack, 'QueueUrl', { value: queue.queueUrl });
new CfnOutput(stack, 'ConsumerFunction', { value: consumer.functionName });
new CfnOutput(stack, 'ListenerFunction', { value: listener.functionName });

function functionOf(id: string, folder: string): Lambda {
  return new Lambda(stack, id, {
    code: Code.fromAsset(folder),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
  });
}
