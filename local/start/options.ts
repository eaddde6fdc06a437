import { parseArgs } from 'node:util';
import { parseRedisUrl } from '../../functions/redis/url.ts';
import { VARIABLES } from '../../functions/settings.ts';
import { swallowedByNpm } from './npm-options.ts';

export const USAGE = `Usage: npm start -- [options]

Runs real BullMQ queues and workers for some seconds, forwards their events with
the built Lambda function, and sums up.
  --watch           run until Ctrl-C
  --queues <names>  forward these queues of REDIS_URL, which is only read:
                    names separated by commas, or '*' for all
  --prefix <text>   BullMQ key prefix of those queues (default: ${VARIABLES.BULLBRIDGE_PREFIX.default})
  --help            print this text
REDIS_URL names the Redis to use; without it, one is started.`;

/** Made-up queues, workers and jobs. */
export interface DemonstrationOptions {
  readonly mode: 'demonstration';
  readonly watch: boolean;
  /** @default a Redis is started */
  readonly redisUrl: string | undefined;
}

/** The queues of the user, which are only read. */
export interface OwnQueuesOptions {
  readonly mode: 'own queues';
  readonly watch: boolean;
  readonly redisUrl: string;
  readonly prefix: string;
  /** `*` for all queues. */
  readonly queues: '*' | readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const SEE_HELP = 'See `npm start -- --help`.';
const EXAMPLE = 'REDIS_URL=redis://localhost:6379 npm start -- --queues emails';

/**
 * Reads the command line and `REDIS_URL`.
 *
 * @throws {Error} with the given value and what to type instead
 */
export function readOptions(
  args: readonly string[],
  environment: Environment,
): DemonstrationOptions | OwnQueuesOptions | { readonly mode: 'help' } {
  refuseSwallowed(args, environment);
  const { help, watch = false, queues, prefix } = parse(args);
  if (help) return { mode: 'help' };
  const redisUrl = environment['REDIS_URL'] || undefined;
  const { url, fault } = parseRedisUrl(redisUrl ?? 'redis://localhost');
  if (fault !== undefined) throw new Error(`REDIS_URL is not valid (its value is not repeated here): ${fault}.`);
  if (queues === undefined) {
    // The workers connect to a single server: BullMQ does not accept the URL of a cluster.
    if (url.addresses.length > 1)
      throw new Error(
        'The demonstration runs on one server, but REDIS_URL names several servers: leave it out, or forward your own queues with `npm start -- --queues <names>`.',
      );
    if (prefix === undefined) return { mode: 'demonstration', watch, redisUrl };
    throw new Error(
      `--prefix needs --queues, as in \`${EXAMPLE} --prefix bull\`; the demonstration uses a new prefix.`,
    );
  }
  if (redisUrl === undefined)
    throw new Error(`--queues reads the queues of your own Redis: set REDIS_URL, as in \`${EXAMPLE}\`.`);
  return {
    mode: 'own queues',
    watch,
    redisUrl,
    prefix: check('--prefix', prefix ?? VARIABLES.BULLBRIDGE_PREFIX.default, VARIABLES.BULLBRIDGE_PREFIX),
    queues: check('--queues', withoutEmptyNames(queues.join()), VARIABLES.BULLBRIDGE_QUEUES),
  };
}

function refuseSwallowed(args: readonly string[], environment: Environment): void {
  const swallowed = swallowedByNpm(['queues', 'watch'], environment);
  if (swallowed.size === 0) return;
  const names = [...swallowed.keys()].map((name) => `--${name}`);
  const queues = swallowed.get('queues') === 'true' ? (args[0] ?? '<names>') : swallowed.get('queues');
  const typed = [queues && `--queues '${queues}'`, swallowed.has('watch') && '--watch'].filter(Boolean);
  throw new Error(
    `npm took ${names.join(' and ')} for itself. Put \`--\` before the options: \`npm start -- ${typed.join(' ')}\`.`,
  );
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        watch: { type: 'boolean' },
        queues: { type: 'string', multiple: true },
        prefix: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    // After its first sentence, the message of Node has advice for programs with positional arguments.
    const fault = (error as Error).message.replace(/\. (To specify|This command) .*$|\.?\n.*$/s, '');
    throw new Error(`${fault}. ${SEE_HELP}`);
  }
}

function withoutEmptyNames(list: string): string {
  return list
    .split(',')
    .filter((name) => name.trim() !== '')
    .join();
}

interface Checked<T> {
  readonly schema: { safeParse(value: string): { success: true; data: T } | { success: false } };
  readonly allowed: string;
}

function check<T>(option: string, given: string, { schema, allowed }: Checked<T>): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Error(`${option} is ${JSON.stringify(given)}; it must be ${allowed}.`);
}
