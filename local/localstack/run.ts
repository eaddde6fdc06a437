import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startLocalStack } from './server.ts';

// `npm run test:localstack`: the tests of vitest.localstack.config.ts against the LocalStack of AWS_ENDPOINT_URL, or against one
// that is started for them and stopped again, whatever happens. Arguments go to vitest.
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const VITEST = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));

// A Ctrl-C reaches vitest and the scripts as well, since they are in the same process group; what ends here is only the waiting.
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => interrupted.abort(new Error(signal)));

const given = process.env['AWS_ENDPOINT_URL'];
await using localstack = given ? undefined : await startLocalStack();
const url = given ?? localstack?.url ?? '';
console.log(`LocalStack: ${given ? 'the one of AWS_ENDPOINT_URL' : '4.14.0, without Docker,'} at ${url}`);
process.exitCode = interrupted.signal.aborted ? 130 : await runTests();

async function runTests(): Promise<number> {
  const args = [VITEST, 'run', '--config', 'vitest.localstack.config.ts', ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      AWS_ENDPOINT_URL: url,
      // An address, so that the SDK asks for a bucket by path and not by a host name that nobody resolves.
      AWS_ENDPOINT_URL_S3: url,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      ...(!given && { LOCALSTACK_HOSTMODE: '1' }),
    },
  });
  interrupted.signal.addEventListener('abort', () => child.kill('SIGTERM'));
  const [code] = await once(child, 'exit');
  return code ?? 130;
}
