import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ROOT, readPage, shellBlocks } from '../docs/pages.ts';

/** A terminal in the clone: what one command sets, the next one sees. */
export interface Shell extends AsyncDisposable {
  /** Types blocks of commands in. @returns what they print @throws {Error} with that, where one of them fails */
  type(...blocks: readonly string[]): Promise<string>;
}

export function openShell(environment: Readonly<Record<string, string>>): Shell {
  const child = spawn('bash', ['-euo', 'pipefail'], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const ended = once(child, 'exit');
  let output = '';
  let onOutput = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      onOutput();
    });
  }
  child.stdin.on('error', () => {});
  let typed = 0;
  return {
    async type(...blocks) {
      const commands = blocks.join('');
      typed += 1;
      const mark = `--- end of input ${typed}`;
      output = '';
      const done = new Promise<void>((resolve) => {
        onOutput = () => {
          if (output.includes(mark)) resolve();
        };
      });
      child.stdin.write(`${commands}\necho '${mark}'\n`);
      await Promise.race([done, ended]);
      if (!output.includes(mark)) throw new Error(`one of these commands failed:\n${commands}\n${output}`);
      return output.replace(`${mark}\n`, '');
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Reads a page of the documentation. @returns what gives the blocks of commands under the heading that begins so */
export async function readSteps(file: string): Promise<(beginning: string) => string[]> {
  const sections = (await readPage(file)).split(/^#+ /m);
  return (beginning) => {
    const blocks = shellBlocks(sections.find((section) => section.startsWith(beginning)) ?? '');
    if (blocks.length === 0) throw new Error(`${file} has no commands under "${beginning}"`);
    return blocks;
  };
}
