import { describe, expect } from 'vitest';
import { testWith } from '../test-with.ts';
import { allGone, figure, type Process, type Program, shell, start } from './program.ts';

const test = testWith('ps');

/** Waits until what a program has started is gone, with its files. */
async function isCleanAfter(program: Program, tree: readonly Process[]): Promise<void> {
  await allGone(tree);
  await expect.poll(() => program.temporary()).toEqual([]);
}

describe('a signal', () => {
  test('ends the start at once, at any moment, and leaves nothing behind', async () => {
    const moments = [
      [/^Runs real jobs/m, 'SIGINT', 130],
      [/^Redis /m, 'SIGTERM', 143],
      [/^prefix /m, 'SIGHUP', 129],
      [/^prefix /m, 'SIGINT', 130],
    ] as const;
    await Promise.all(
      moments.map(async ([moment, signal, code]) => {
        const program = await start(['--watch']);
        await program.says(moment);
        program.kill('SIGSTOP', 'group');
        const tree = await program.tree();

        program.kill(signal, 'group');
        program.kill('SIGCONT', 'group');

        expect(await program.ended, program.output()).toBe(code);
        await isCleanAfter(program, tree);
        expect(program.output()).not.toMatch(/stopped|Error|^\s+at |in order/m);
      }),
    );
  });

  test('ends a running demonstration in order, with a summary', async () => {
    const program = await start(['--watch']);
    await program.says(/Job Completed/);
    const tree = await program.tree();
    expect(tree.length).toBeGreaterThan(4);

    program.kill('SIGINT', 'group');

    expect(await program.ended, program.output()).toBe(0);
    expect(figure(program.output(), 'arrived')).toBeGreaterThan(0);
    await isCleanAfter(program, tree);
  });

  test('the second time, also ends a stuck Redis', async () => {
    const cases = [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const;
    await Promise.all(
      cases.map(async ([second, code]) => {
        const program = await start(['--watch']);
        await program.says(/Job Completed/);
        const tree = await program.tree();
        const redis = tree.find(({ command }) => /embedded-valkey|(redis|valkey)-server/.test(command)) as Process;
        process.kill(redis.pid, 'SIGSTOP');

        program.kill('SIGINT');
        await program.says(/second Ctrl-C/);
        // As a person does who sees no end.
        const again = setInterval(() => program.kill(second), 100);
        const ended = await program.ended.finally(() => clearInterval(again));

        expect(ended).toBe(code);
        await isCleanAfter(program, tree);
      }),
    );
  });
});

describe('`kill -9`', () => {
  const isNpm = ({ command }: Process) => /^npm start|npm-cli\.js/.test(command);
  const isProgram = ({ command }: Process) => command.includes('local/start.ts') && !/^(\/bin\/)?sh /.test(command);

  test('of the program, of npm, or of the shell of the user leaves nothing behind', async () => {
    const victims = [
      (tree: readonly Process[]) => tree.findLast(isProgram),
      (tree: readonly Process[]) => tree.find(isNpm),
      (tree: readonly Process[]) => tree[0],
    ];
    await Promise.all(
      victims.map(async (victimOf) => {
        const program = await shell('npm start -- --watch; exit $?');
        await program.says(/Job Completed/);
        const tree = await program.tree();

        process.kill(victimOf(tree)?.pid as number, 'SIGKILL');

        await isCleanAfter(program, tree);
      }),
    );
  });

  testWith('ps', 'setsid')('of the shell ends nothing that was started with `setsid`', async () => {
    const line = `setsid '${process.execPath}' local/start.ts --watch & wait`;
    const program = await shell(line);
    await program.says(/Job Completed/);
    const tree = await program.tree();

    program.kill('SIGKILL');
    await program.ended;
    const { length } = program.output();

    // More than it prints between two looks for its ancestors, while jobs come 17 times a second.
    await expect.poll(() => program.output().slice(length).split('\n').length).toBeGreaterThan(100);
    process.kill(tree.find(isProgram)?.pid as number, 'SIGTERM');
    await isCleanAfter(program, tree);
  });

  test('of its whole process group leaves nothing behind, at any moment of the start', async () => {
    await Promise.all(
      [/^Redis /m, /^prefix /m, /^DynamoDB /m].map(async (moment) => {
        const program = await start(['--watch']);
        await program.says(moment);
        const tree = await program.tree();

        program.kill('SIGKILL', 'group');

        await isCleanAfter(program, tree);
      }),
    );
  });
});
