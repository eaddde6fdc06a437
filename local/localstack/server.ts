import { delimiter } from 'node:path';
import { dockerAnswers, startInDocker } from './docker.ts';
import { startInHostMode } from './host-mode.ts';

/** A LocalStack that was started, with a Redis that the functions deployed to it can reach. */
export interface LocalStackServer extends AsyncDisposable {
  readonly url: string;
  /** How it runs, in words. */
  readonly what: string;
  /** The Redis as this machine reaches it. */
  readonly redisUrl: string;
  /** The same Redis as a deployed function reaches it. */
  readonly functionsRedisUrl: string;
  /** A folder with an `aws` command. */
  readonly bin: string;
  /** Whether it runs with our plugin and without Docker. */
  readonly hostMode: boolean;
}

export interface LocalStackOptions {
  /** @default one that is free */
  readonly port?: number;
}

/**
 * Starts LocalStack 4.14 and a Redis, both for this machine alone: in Docker where an engine answers, else as plain processes, which
 * `LOCALSTACK_HOSTMODE=1` asks for.
 *
 * Each start is empty. A Ctrl-C does not reach what was started: dispose it.
 * @throws {Error} one sentence that names both ways, when neither can be had
 */
export async function startLocalStack(options: LocalStackOptions = {}): Promise<LocalStackServer> {
  const inDocker = !process.env['LOCALSTACK_HOSTMODE'] && (await dockerAnswers());
  return inDocker ? startInDocker(options) : startInHostMode(options);
}

/** What the AWS CLI, the SDK, the CDK and the walk-through of docs/localstack.md need to know of it. */
export function environmentOf(
  server: Pick<LocalStackServer, 'url' | 'redisUrl' | 'functionsRedisUrl'>,
): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: server.url,
    // An address, so that the SDK asks for a bucket by path and not by a host name that nobody resolves.
    AWS_ENDPOINT_URL_S3: server.url,
    AWS_REGION: 'eu-west-1',
    // The AWS CLI knows the region by this name only.
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    REDIS_URL: server.redisUrl,
    FUNCTIONS_REDIS_URL: server.functionsRedisUrl,
  };
}

/** A PATH that begins with a folder. */
export function pathWith(bin: string): string {
  return [bin, process.env['PATH']].join(delimiter);
}
