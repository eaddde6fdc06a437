import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

interface Ancestry {
  readonly parent: number;
  readonly session: string;
}

/** Milliseconds between two checks. */
const INTERVAL = 1000;

/**
 * Calls back once when an ancestor of this process is gone: npm, the shell of npm, or the shell of the user.
 *
 * A `kill -9` of an ancestor sends no signal to its descendants. Ancestors in another session do not count: a program
 * that was started with `setsid` outlives its shell.
 */
export async function onceOrphaned(act: () => void): Promise<void> {
  const before = await readLineage();
  const timer = setInterval(async () => {
    if ((await readLineage()) === before) return;
    clearInterval(timer);
    act();
  }, INTERVAL);
  timer.unref();
}

/** The ids of the ancestors of this process in its session, as one text. */
async function readLineage(): Promise<string> {
  const session = (await readAncestry(process.pid))?.session;
  const ids: number[] = [];
  for (let pid = process.ppid; pid > 1; ) {
    const ancestor = await readAncestry(pid);
    if (ancestor?.session !== session) break;
    ids.push(pid);
    pid = ancestor?.parent ?? 1;
  }
  return ids.join();
}

async function readAncestry(pid: number): Promise<Ancestry | undefined> {
  try {
    const fields = await readFields(pid);
    return { parent: Number(fields[0]), session: fields[1] ?? '' };
  } catch {
    return undefined;
  }
}

/** The parent and the session of a process: from `/proc` on Linux, where `ps` can be missing, otherwise from `ps`. */
async function readFields(pid: number): Promise<string[]> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in parentheses, can have spaces: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const [, parent = '', , session = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [parent, session];
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'ppid=,sess=', '-p', `${pid}`]);
  return stdout.trim().split(/\s+/);
}
