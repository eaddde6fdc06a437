// Runs a command with a temporary folder of its own. Fails if it leaves something there, or a process that runs in this
// project. With `--interrupt <text>` in front of the command, it gets a Ctrl-C once it has printed the text.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const given = process.argv.slice(2);
const text = given[0] === '--interrupt' ? given.splice(0, 2)[1] : undefined;
const [command, ...args] = given;

// Other programs of the machine use the shared one meanwhile.
const folder = mkdtempSync(join(tmpdir(), 'leaves-nothing-'));

/** The processes whose folder is in this project, by their ids. */
function processes() {
  const root = process.cwd();
  const found = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!`${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${root}/`)) continue;
      found.set(pid, readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim());
    } catch {
      // It has ended, or belongs to somebody else.
    }
  }
  return found;
}

const before = processes();
// A process group of its own, as a terminal gives it one.
const child = spawn(command, args, {
  detached: true,
  env: { ...process.env, TMPDIR: folder },
  stdio: ['ignore', text ? 'pipe' : 'inherit', 'inherit'],
});
const ended = once(child, 'exit');
if (text) {
  let output = '';
  child.stdout.on('data', (chunk) => {
    process.stdout.write(chunk);
    if (output.includes(text)) return;
    output += chunk;
    if (output.includes(text)) process.kill(-child.pid, 'SIGINT');
  });
}
const [code] = await ended;

const left = () => [...processes()].filter(([pid]) => !before.has(pid)).map(([pid, line]) => `process ${pid}: ${line}`);
// Those that were told to end may take a moment.
for (let attempt = 0; attempt < 50 && left().length > 0; attempt += 1) await setTimeout(100);
const leftovers = [
  ...left(),
  ...readdirSync(folder)
    // npm keeps its own compiled code there.
    .filter((name) => name !== 'node-compile-cache')
    .map((name) => `file ${name}`),
];
rmSync(folder, { recursive: true, force: true });
if (leftovers.length > 0) console.error(`left behind by ${given.join(' ')}:\n  ${leftovers.join('\n  ')}`);
process.exitCode = leftovers.length > 0 ? 1 : text ? 0 : (code ?? 1);
