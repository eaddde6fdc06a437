import { oneOf, text, wholeNumber } from '../../functions/schemas.ts';
import { FLAG, NUMBER, of, REMOVAL_POLICY, TEXT } from './formats.ts';
import type { Setting } from './setting.ts';

/** The settings for operating a deployment; the other rows of the table are in `settings.ts`. */
export const OPERATION = [
  {
    option: 'checkpointTableName',
    prop: 'checkpointTable',
    about: 'Name of an existing table for positions, leases and gaps, such as the table of a deleted stack.',
    default: '- a table of its own',
  },
  {
    option: 'deadLetterQueueArn',
    prop: 'deadLetterQueue',
    about: 'ARN of an existing dead-letter queue, for events that the bus refuses.',
    default: '- a queue of its own',
  },
  {
    option: 'enabled',
    ...of('enabled', FLAG),
    about: 'Whether the schedules start runs; `false` pauses the deployment, and all data stay.',
    default: 'true',
  },
  {
    option: 'reservedConcurrentExecutions',
    ...of('reservedConcurrentExecutions', NUMBER),
    ...wholeNumber(1, 1000),
    about: 'Concurrency reserved for the forward function; two for each shard are enough.',
    default: '- none',
  },
  {
    option: 'memorySize',
    ...of('memorySize', NUMBER),
    ...wholeNumber(128, 10_240),
    about: 'Memory of each function in MB; more memory comes with a larger share of a processor.',
    default: '256',
  },
  {
    option: 'redriveInVpc',
    ...of('redriveInVpc', FLAG),
    about: 'Whether the function that sends dead letters again also runs in the VPC.',
    default: 'false',
  },
  { option: 'vpcId', prop: 'vpc', about: 'The VPC of Redis.', default: '- none' },
  {
    option: 'vpcEndpoints',
    ...of('vpcEndpoints', FLAG),
    about: 'Whether to create the VPC endpoints that the functions need.',
    default: 'false',
  },
  {
    option: 'encryptionKeyArn',
    prop: 'encryptionKey',
    about: 'ARN of the KMS key for the bus, the table, the dead-letter queue, the bucket and the logs.',
    default: '- keys of AWS',
  },
  { option: 'tracing', ...of('tracing', FLAG), about: 'Whether X-Ray traces the functions.', default: 'false' },
  {
    option: 'alarms',
    ...of('alarms', FLAG),
    about: 'Whether to create the alarms; [the runbook](docs/runbook.md) has an article for each.',
    default: 'true',
  },
  {
    option: 'runbookUrl',
    ...of('runbookUrl', TEXT),
    ...text('a URL', /^https?:\/\/\S+$/),
    about: 'The page that alarms link to, with an article for each alarm.',
    default: '- the page of this version',
  },
  {
    option: 'alarmTopicArn',
    prop: 'alarmAction',
    about: 'ARN of the SNS topic that alarms notify.',
    default: '- none',
  },
  { option: 'dashboard', ...of('dashboard', FLAG), about: 'Whether to create a dashboard.', default: 'true' },
  {
    option: 'schemaRegistry',
    ...of('schemaRegistry', FLAG),
    about: 'Whether the schemas of the forwarded events are put into a registry of EventBridge.',
    default: 'false',
  },
  {
    option: 'removalPolicy',
    ...of('removalPolicy', REMOVAL_POLICY),
    ...oneOf('retain', 'destroy'),
    about: 'Whether the table, the dead-letter queue and the bucket stay when the stack is deleted.',
    default: 'retain',
  },
] as const satisfies readonly Setting[];
