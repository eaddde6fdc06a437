/** Where the LocalStack of the tests is. */
export const ENDPOINT = process.env['AWS_ENDPOINT_URL'] ?? '';
if (!ENDPOINT) throw new Error('There is no AWS_ENDPOINT_URL: these tests run by `npm run test:localstack`.');

interface Call {
  /** @default '/' */
  readonly path?: string;
  /** The operation of a service that speaks JSON to its root. */
  readonly target?: string;
  /** JSON, or text as it is. */
  readonly body?: unknown;
}

/**
 * Calls a service for which there is no client here; LocalStack looks at whose signature it is, and at nothing else of
 * it.
 *
 * @throws {Error} what LocalStack answers, where it refuses; or what a function rejects with
 */
async function callAws(service: string, { path = '/', target, body }: Call = {}): Promise<string> {
  const scope = `Credential=test/20261101/eu-west-1/${service}/aws4_request`;
  const response = await fetch(ENDPOINT + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      Authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=none`,
      'X-Amz-Date': '20261101T000000Z',
      ...(target && { 'Content-Type': 'application/x-amz-json-1.0', 'X-Amz-Target': target }),
      ...(typeof body === 'string' && { 'Content-Type': 'application/x-www-form-urlencoded' }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok || response.headers.has('x-amz-function-error')) throw new Error(`${service}${path}: ${text}`);
  return text;
}

/** Invokes a function and waits for what it returns. */
export async function invoke(name: string, payload: unknown): Promise<unknown> {
  return JSON.parse(await callAws('lambda', { path: `/2015-03-31/functions/${name}/invocations`, body: payload }));
}

/** The outputs of a stack, by name. */
export async function outputsOf(stack: string): Promise<Readonly<Record<string, string>>> {
  const body = `Action=DescribeStacks&Version=2010-05-15&StackName=${stack}`;
  const xml = await callAws('cloudformation', { body });
  const outputs = [...xml.matchAll(/<member>(?:(?!<member>).)*?<OutputKey>.*?<\/member>/gs)].map(([output]) => {
    const value = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`).exec(output)?.[1] ?? '';
    return [value('OutputKey'), value('OutputValue')];
  });
  return Object.fromEntries(outputs);
}

/** What a function has logged as JSON, oldest first. */
export async function logsOf(name: string): Promise<Readonly<Record<string, unknown>>[]> {
  const lines: Readonly<Record<string, unknown>>[] = [];
  for (let nextToken: string | undefined, first = true; first || nextToken; first = false) {
    const body = { logGroupName: `/aws/lambda/${name}`, nextToken };
    const page = JSON.parse(await callAws('logs', { target: 'Logs_20140328.FilterLogEvents', body }));
    for (const { message } of page.events) {
      // One that is no JSON is LocalStack's own.
      const json = /\{.*\}/s.exec(message)?.[0];
      if (json) lines.push(JSON.parse(json));
    }
    nextToken = page.nextToken;
  }
  return lines;
}

/** Of LocalStack, also stacks that are gone would be listed. */
const STACKS = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'ROLLBACK_COMPLETE', 'DELETE_FAILED']
  .map((status, n) => `&StackStatusFilter.member.${n + 1}=${status}`)
  .join('');

/** How each service lists what there is: whom to ask, and how the names are told in the answer. */
const LISTS: readonly (readonly [service: string, call: Call, names: RegExp])[] = [
  ['cloudformation', { body: `Action=ListStacks&Version=2010-05-15${STACKS}` }, /<StackName>(.*?)</g],
  ['dynamodb', { target: 'DynamoDB_20120810.ListTables', body: {} }, /"([^"[\],{}:]+)"(?=[,\]])/g],
  ['events', { target: 'AWSEvents.ListEventBuses', body: {} }, /"Name": ?"(.*?)"/g],
  ['iam', { body: 'Action=ListRoles&Version=2010-05-08' }, /<RoleName>(.*?)</g],
  ['lambda', { path: '/2015-03-31/functions/' }, /"FunctionName": ?"(.*?)"/g],
  ['logs', { target: 'Logs_20140328.DescribeLogGroups', body: {} }, /"logGroupName": ?"(.*?)"/g],
  ['monitoring', { body: 'Action=DescribeAlarms&Version=2010-08-01' }, /<AlarmName>(.*?)</g],
  ['s3', {}, /<Name>(.*?)</g],
  ['scheduler', { path: '/schedules' }, /"Name": ?"(.*?)"/g],
  ['secretsmanager', { target: 'secretsmanager.ListSecrets', body: {} }, /"Name": ?"(.*?)"/g],
  ['sns', { body: 'Action=ListTopics&Version=2010-03-31' }, /<TopicArn>(.*?)</g],
  ['sqs', { body: 'Action=ListQueues&Version=2012-11-05' }, /<QueueUrl>(.*?)</g],
];

/** What there is in the account, as `service name`, but for the log groups that LocalStack makes for functions by itself. */
export async function inventory(): Promise<string[]> {
  const items: string[] = [];
  // One after the other: LocalStack loads a service when it is first asked, and two at once can wait for each other.
  for (const [service, call, names] of LISTS) {
    const text = await callAws(service, call);
    items.push(...Array.from(text.matchAll(names), ([, name]) => `${service} ${name}`));
  }
  return [...new Set(items.filter((item) => !item.startsWith('logs /aws/lambda/')))].sort();
}
