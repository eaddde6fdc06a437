import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startLocalStack } from '../../local/localstack/server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSTALL = join(ROOT, 'local/localstack/install.sh');
const run = promisify(execFile);

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bullbridge-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Puts a program in front of all others of its name. @returns its folder */
async function onPath(name: string, script: string): Promise<string> {
  const folder = await temporaryFolder();
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  vi.stubEnv('LOCALSTACK_HOSTMODE', '');
  vi.stubEnv('PATH', [folder, process.env['PATH']].join(delimiter));
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  return folder;
}

describe('LocalStack', () => {
  // What is checked is what Docker is asked for; the engine is none.
  test('runs in Docker if an engine answers: both services of compose.yaml are started and stopped', async () => {
    const folder = await onPath('docker', 'echo "$LOCALSTACK_PORT $REDIS_PORT $*" >>"$(dirname "$0")/calls"');
    const calls = async () => (await readFile(join(folder, 'calls'), 'utf8')).trimEnd().split('\n');

    const server = await startLocalStack({ port: 4577 });
    const port = new URL(server.redisUrl).port;
    await run(join(server.bin, 'aws'), ['sqs', 'list-queues', '--query', "it's"]);
    await server[Symbol.asyncDispose]();

    const compose = `compose --file ${ROOT}compose.yaml --project-name bullbridge-4577`;
    const settings = '--env AWS_ENDPOINT_URL=http://127.0.0.1:4577 --env AWS_DEFAULT_REGION=eu-west-1';
    expect(await calls()).toEqual([
      '  compose version',
      '  info',
      `4577 ${port} ${compose} up --detach --wait`,
      `4577 ${port} ${compose} exec --no-TTY ${settings} localstack awslocal sqs list-queues --query it's`,
      `4577 ${port} ${compose} down --volumes`,
    ]);
    expect(server).toMatchObject({
      url: 'http://127.0.0.1:4577',
      redisUrl: expect.stringMatching(/^redis:\/\/127\.0\.0\.1:\d+$/),
      functionsRedisUrl: 'redis://redis:6379',
    });
  });

  test('that does not start in Docker is stopped, and the output of Docker is shown', async () => {
    const folder = await onPath(
      'docker',
      'echo "$*" >>"$(dirname "$0")/calls"\ncase "$*" in *up*) echo "no such image" >&2; exit 1 ;; esac',
    );

    await expect(startLocalStack({ port: 4577 })).rejects.toThrow('no such image');

    expect(await readFile(join(folder, 'calls'), 'utf8')).toMatch(/ down --volumes\n$/);
  });

  test('names both ways to run it if there is neither Docker nor Python 3.13', async () => {
    await onPath('python3.13', 'exit 1');
    const nowhere = await temporaryFolder();

    const installed = run(INSTALL, [nowhere], { env: { ...process.env, PYTHON: '', PYENV_ROOT: nowhere } });

    await expect(installed).rejects.toMatchObject({
      stderr:
        'LocalStack 4.14 runs in Docker, or on Linux with Python 3.13. Start a Docker engine that has `docker compose`, or set PYTHON to a Python 3.13.\n',
    });
  });
});

describe('compose.yaml', async () => {
  const text = await readFile(join(ROOT, 'compose.yaml'), 'utf8');
  const valuesOf = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, value = '']) => value);

  test('pins the version of each image', () => {
    const images = valuesOf(/^ +image: (.+)$/gm);

    expect(images).toHaveLength(2);
    for (const image of images) expect(image).toMatch(/^[\w./-]+:\d+\.\d+\.\d+(-\w+)?$/);
  });

  test('opens ports only to this machine', () => {
    const ports = valuesOf(/^ +ports:\n((?: +(?:-|#).*\n)+)/gm).flatMap((block) => block.match(/- .*/g) ?? []);

    expect(ports).toHaveLength(2);
    for (const port of ports) expect(port).toMatch(/^- "127\.0\.0\.1:/);
  });

  test('gives LocalStack the Docker socket, for functions, and the plugin, for schedules', () => {
    const volumes = valuesOf(/^ +- (\S+:\S+)$/gm);

    expect(volumes).toContain('/var/run/docker.sock:/var/run/docker.sock');
    expect(volumes).toContain('./local/localstack/ready.d:/etc/localstack/init/ready.d:ro');
    expect(volumes).toContain('./local/localstack/plugin/localstack_hostmode:/opt/bullbridge/localstack_hostmode:ro');
  });
});
