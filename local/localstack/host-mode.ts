import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../process.ts';
import { startRedis } from '../redis.ts';
import { run } from './command.ts';
import type { LocalStackOptions, LocalStackServer } from './server.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const DIRECTORY = fileURLToPath(new URL('../../.localstack', import.meta.url));

/** Starts LocalStack as a plain process in its own session, and first installs it if it is missing. */
export async function startInHostMode({ port }: LocalStackOptions): Promise<LocalStackServer> {
  // The tests have another state than the LocalStack of `npm run localstack`, which can run at the same time.
  const environment = { STATE_DIR: join(DIRECTORY, port === undefined ? 'test' : 'state') };
  const script = (name: string, ...args: string[]) => run(join(HERE, name), [DIRECTORY, ...args], environment);
  await script('install.sh');
  const chosen = port ?? (await freePort());
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedis());
  started.defer(() => script('stop.sh'));
  await script('start.sh', `${chosen}`);
  const all = started.move();
  return {
    url: `http://127.0.0.1:${chosen}`,
    what: `4.14.0 without Docker, with ${redis.what}`,
    redisUrl: redis.url,
    functionsRedisUrl: redis.url,
    bin: join(DIRECTORY, 'bin'),
    hostMode: true,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
