import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../redis.ts';
import { environmentOf, type LocalStackServer, pathWith, startLocalStack } from './server.ts';

// `npm run test:localstack`: runs the tests of vitest.localstack.config.ts against the LocalStack of AWS_ENDPOINT_URL,
// or against a LocalStack that it starts and stops again in any case. Arguments are passed to vitest.
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const VITEST = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));

// A Ctrl-C also reaches vitest and the scripts, because they are in the same process group; only the waiting ends here.
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => interrupted.abort(new Error(signal)));

try {
  const given = process.env['AWS_ENDPOINT_URL'];
  await using localstack = await (given ? useGiven(given) : startLocalStack());
  console.log(`LocalStack: ${localstack.what}, at ${localstack.url}`);
  process.exitCode = interrupted.signal.aborted ? 130 : await runTests(localstack);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

type Server = Omit<LocalStackServer, 'bin'> & Partial<Pick<LocalStackServer, 'bin'>>;

/** A LocalStack of the user, with `REDIS_URL` and, if functions need another URL for it, `FUNCTIONS_REDIS_URL`. */
async function useGiven(url: string): Promise<Server> {
  const redis = await startRedis({ url: process.env['REDIS_URL'] });
  return {
    url,
    what: `set by AWS_ENDPOINT_URL, with ${redis.what}`,
    redisUrl: redis.url,
    functionsRedisUrl: process.env['FUNCTIONS_REDIS_URL'] ?? redis.url,
    hostMode: false,
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

async function runTests(server: Server): Promise<number> {
  const args = [VITEST, 'run', '--config', 'vitest.localstack.config.ts', ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      ...environmentOf(server),
      ...(server.bin && { PATH: pathWith(server.bin) }),
      ...(server.hostMode && { LOCALSTACK_HOSTMODE: '1' }),
    },
  });
  interrupted.signal.addEventListener('abort', () => child.kill('SIGTERM'));
  const [code] = await once(child, 'exit');
  return code ?? 130;
}
