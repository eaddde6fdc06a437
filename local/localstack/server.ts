import { delimiter } from 'node:path';
import { dockerAnswers, startInDocker } from './docker.ts';
import { startInHostMode } from './host-mode.ts';

/** A LocalStack that was started, with a Redis that deployed functions can reach. */
export interface LocalStackServer extends AsyncDisposable {
  readonly url: string;
  /** How it runs, for people. */
  readonly what: string;
  /** The URL of Redis for this machine. */
  readonly redisUrl: string;
  /** The URL of the same Redis for deployed functions. */
  readonly functionsRedisUrl: string;
  /** A folder with an `aws` command. */
  readonly bin: string;
  /** Whether it runs with our plugin and without Docker. */
  readonly hostMode: boolean;
}

export interface LocalStackOptions {
  /** @default any free port */
  readonly port?: number;
}

/**
 * Starts LocalStack 4.14 and a Redis, both for this machine only: in Docker if an engine answers, otherwise as plain
 * processes. `LOCALSTACK_HOSTMODE=1` requests plain processes.
 *
 * Both are empty after the start. A Ctrl-C does not reach them, so they must be disposed.
 * @throws {Error} with one sentence that names both ways, if neither is possible
 */
export async function startLocalStack(options: LocalStackOptions = {}): Promise<LocalStackServer> {
  const inDocker = !process.env['LOCALSTACK_HOSTMODE'] && (await dockerAnswers());
  return inDocker ? startInDocker(options) : startInHostMode(options);
}

/** The environment for the AWS CLI, the SDK, the CDK and the walk-through of docs/localstack.md. */
export function environmentOf(
  server: Pick<LocalStackServer, 'url' | 'redisUrl' | 'functionsRedisUrl'>,
): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: server.url,
    // An IP address, so that the SDK puts the bucket into the path, not into a host name that cannot be resolved.
    AWS_ENDPOINT_URL_S3: server.url,
    AWS_REGION: 'eu-west-1',
    // The AWS CLI reads only this variable for the region.
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
