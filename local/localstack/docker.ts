import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../process.ts';
import { run } from './command.ts';
import type { LocalStackOptions, LocalStackServer } from './server.ts';

const COMPOSE_FILE = fileURLToPath(new URL('../../compose.yaml', import.meta.url));

/** Whether there is a Docker engine with `docker compose`. */
export async function dockerAnswers(): Promise<boolean> {
  try {
    await run('docker', ['compose', 'version']);
    await run('docker', ['info']);
    return true;
  } catch {
    return false;
  }
}

/** Starts the services of compose.yaml as a separate project; Docker first fetches missing images. */
export async function startInDocker({ port }: LocalStackOptions): Promise<LocalStackServer> {
  const chosen = port ?? (await freePort());
  const redisPort = await freePort();
  const compose = ['compose', '--file', COMPOSE_FILE, '--project-name', `bullbridge-${chosen}`];
  const ports = { LOCALSTACK_PORT: `${chosen}`, REDIS_PORT: `${redisPort}` };
  await using started = new AsyncDisposableStack();
  started.defer(() => run('docker', [...compose, 'down', '--volumes'], ports));
  await run('docker', [...compose, 'up', '--detach', '--wait'], ports);
  const bin = await commandFolder(compose, ports);
  started.defer(() => rm(bin, { recursive: true, force: true }));
  const all = started.move();
  return {
    url: `http://127.0.0.1:${chosen}`,
    what: '4.14.0 in Docker, with a Redis in Docker',
    redisUrl: `redis://127.0.0.1:${redisPort}`,
    // The name of the service: functions run in the network of the project.
    functionsRedisUrl: 'redis://redis:6379',
    bin,
    hostMode: false,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Creates a folder with an `aws` command that runs the AWS CLI in the image of LocalStack. */
async function commandFolder(
  compose: readonly string[],
  ports: Readonly<Record<'LOCALSTACK_PORT' | 'REDIS_PORT', string>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bullbridge-aws-'));
  const file = join(folder, 'aws');
  const settings = Object.entries(ports).map(([name, value]) => `${name}=${value}`);
  const inside = [
    '--env',
    `AWS_ENDPOINT_URL=http://127.0.0.1:${ports.LOCALSTACK_PORT}`,
    '--env',
    'AWS_DEFAULT_REGION=eu-west-1',
  ];
  const words = ['env', ...settings, 'docker', ...compose, 'exec', '--no-TTY', ...inside, 'localstack', 'awslocal'];
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  await writeFile(file, `#!/bin/sh\nexec ${quoted.join(' ')} "$@"\n`);
  await chmod(file, 0o755);
  return folder;
}
