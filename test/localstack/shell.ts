import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A terminal in the clone: what one command sets, the next one sees. */
export interface Shell extends AsyncDisposable {
  /** Types commands in. @returns what they print @throws {Error} with that, where one of them fails */
  type(commands: string): Promise<string>;
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
    async type(commands) {
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

/** Reads docs/localstack.md. @returns what gives the commands under the heading that begins so */
export async function readSteps(): Promise<(beginning: string) => string> {
  const text = await readFile(new URL('../../docs/localstack.md', import.meta.url), 'utf8');
  const sections = text.split(/^## /m);
  return (beginning) => {
    const section = sections.find((one) => one.startsWith(beginning)) ?? '';
    const commands = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block).join('');
    if (commands === '') throw new Error(`docs/localstack.md has no commands under "${beginning}"`);
    return commands;
  };
}
