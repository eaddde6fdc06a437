import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../process.ts';

/** A LocalStack that was started. */
export interface LocalStackServer extends AsyncDisposable {
  readonly url: string;
}

export interface LocalStackOptions {
  /** Where it is installed. @default .localstack in the project */
  readonly directory?: string;
  /** Further settings of LocalStack, such as `LAMBDA_RETRY_BASE_DELAY`. */
  readonly settings?: Readonly<Record<string, string>>;
}

const HERE = fileURLToPath(new URL('.', import.meta.url));
const DIRECTORY = fileURLToPath(new URL('../../.localstack', import.meta.url));

/**
 * Starts LocalStack on a free port of the loopback interface, and installs it before where it is missing.
 *
 * Each start is empty. It runs in a session of its own, which a Ctrl-C does not reach: dispose it.
 */
export async function startLocalStack(options: LocalStackOptions = {}): Promise<LocalStackServer> {
  const { directory = DIRECTORY, settings = {} } = options;
  const environment = {
    // Apart from an instance that someone has started by hand.
    STATE_DIR: join(directory, 'test'),
    LOCALSTACK_ENV: Object.entries(settings)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  };
  const stop = () => script('stop.sh', [directory], environment);
  await script('install.sh', [directory], environment);
  const port = await freePort();
  try {
    await script('start.sh', [directory, `${port}`], environment);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
}

async function script(name: string, args: readonly string[], environment: Record<string, string>): Promise<void> {
  const child = spawn(join(HERE, name), args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const [code, signal] = await once(child, 'exit');
  if (code !== 0) throw new Error(`local/localstack/${name} ended with ${signal ?? `status ${code}`}`);
}
