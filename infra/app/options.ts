import type { Node } from 'constructs';
import { distance } from 'fastest-levenshtein';

/** The context values of the stack, `-c name=value`; docs/deploy.md tells what each means. */
export const OPTIONS = [
  'redis',
  'redisIam',
  'redisCluster',
  'redisSentinel',
  'redisCaFile',
  'redisSecurityGroupId',
  'eventBusName',
  'queues',
  'events',
  'jobFields',
  'jobDataBytes',
  'omit',
  'prefix',
  'sourceName',
  'startFrom',
  'intervalMinutes',
  'tail',
  'publisher',
  'shards',
  'sweepSize',
  'reconcileIntervalMinutes',
  'queueMetrics',
  'payloadBucketName',
  'memorySize',
  'vpcId',
  'vpcEndpoints',
  'encryptionKeyArn',
  'tracing',
  'alarms',
  'alarmTopicArn',
  'dashboard',
  'removalPolicy',
] as const;

type OptionName = (typeof OPTIONS)[number];

/** What was given, as text. */
export type Options = { readonly [Name in OptionName]?: string };

/** Reads the options from the context; a name that is nearly one of them is refused. */
export function readOptions(node: Node): Options {
  for (const name of Object.keys(node.getAllContext())) {
    if ((OPTIONS as readonly string[]).includes(name)) continue;
    const meant = OPTIONS.find((option) => distance(option.toLowerCase(), name.toLowerCase()) <= 2);
    if (meant !== undefined) throw new Error(`context ${name} is not known, did you mean ${meant}?`);
    if (!name.startsWith('redis')) continue;
    // Not ignored: something else than what is meant would be read.
    const known = OPTIONS.filter((option) => option.startsWith('redis'));
    throw new Error(`context ${name} is not known; those of Redis are ${known.join(', ')}`);
  }
  const given = OPTIONS.flatMap((name) => {
    const value = node.tryGetContext(name);
    if (value === undefined) return [];
    // A value in cdk.json may be a number or a list; from the command line all are text.
    const text = String(value).trim();
    if (text === '') throw new Error(`context ${name} must not be empty; leave it out for the default`);
    return [[name, text]];
  });
  return Object.fromEntries(given);
}

/** A whole number. */
export function numberOf(options: Options, name: OptionName): number | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new Error(`context ${name} must be a whole number, got "${text}"`);
}

/** `true` or `false`. */
export function flagOf(options: Options, name: OptionName): boolean | undefined {
  return oneOf(options, name, { true: true, false: false });
}

/** What one of a few words means. */
export function oneOf<T>(options: Options, name: OptionName, meanings: Readonly<Record<string, T>>): T | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  if (Object.hasOwn(meanings, text)) return meanings[text];
  throw new Error(`context ${name} must be ${Object.keys(meanings).join(' or ')}, got "${text}"`);
}

/** Names, separated by commas. */
export function listOf(options: Options, name: OptionName): string[] | undefined {
  return options[name]?.split(',').map((item) => item.trim());
}
