import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startGuardian } from '../../local/guardian.ts';

/** A control group of Linux, which limits its processes. It is removed when it is disposed of or when this process ends. */
export interface ControlGroup extends AsyncDisposable {
  /** The version of the control groups of this machine. */
  readonly version: 1 | 2;
  /** Files to which a process writes its id to join. */
  readonly joins: readonly string[];
  /** @param processors the share of all its processes together, such as 0.5 */
  limitCpu(processors: number): void;
  /** The peak memory of its processes, in bytes; `undefined` on Linux before 5.19 with version 2. */
  readonly peak: number | undefined;
  /** The number of its processes that were killed at the limit of memory. */
  readonly kills: number;
}

type Settings = Readonly<Record<string, string | number>>;

/** The files of a version: https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/ */
interface Version {
  readonly version: ControlGroup['version'];
  /** The folders below the root for groups of the processor and of memory. */
  readonly folders: readonly [cpu: string, memory: string];
  readonly cpu: (quota: number) => Settings;
  readonly memory: (bytes: number) => Settings;
  /** A function has no swap. The file is absent if the machine has no swap. */
  readonly swap: (bytes: number) => readonly [file: string, value: number];
  readonly peak: string;
  /** The file with the line `oom_kill 0`. */
  readonly kills: string;
}

/** Microseconds. It is short, so that a process that used up its share waits some milliseconds, not the usual 100. */
const PERIOD = 20_000;

const VERSION_1: Version = {
  version: 1,
  folders: ['cpu', 'memory'],
  cpu: (quota) => ({ 'cpu.cfs_period_us': PERIOD, 'cpu.cfs_quota_us': quota }),
  memory: (bytes) => ({ 'memory.limit_in_bytes': bytes }),
  swap: (bytes) => ['memory.memsw.limit_in_bytes', bytes],
  peak: 'memory.max_usage_in_bytes',
  kills: 'memory.oom_control',
};

const VERSION_2: Version = {
  version: 2,
  folders: ['.', '.'],
  cpu: (quota) => ({ 'cpu.max': `${quota} ${PERIOD}` }),
  memory: (bytes) => ({ 'memory.max': bytes }),
  swap: () => ['memory.swap.max', 0],
  peak: 'memory.peak',
  kills: 'memory.events',
};

/** Removes the folders of a group, once its last process is gone. That process is killed when this one ends. */
const REMOVE = `read -r _
for folder; do
  tries=0
  while [ -d "$folder" ] && ! rmdir "$folder" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
done`;

let made = 0;

/**
 * Creates a control group, at first with a whole processor.
 *
 * @param bytes memory of all its processes together
 * @throws {Error} if there are no control groups, or if this user may not create one
 */
export async function createControlGroup(bytes: number, root = '/sys/fs/cgroup'): Promise<ControlGroup> {
  const files = existsSync(join(root, 'cgroup.controllers')) ? VERSION_2 : VERSION_1;
  made += 1;
  const name = `bullbridge-bench-${process.pid}-${made}`;
  const [cpu, memory] = [join(root, files.folders[0], name), join(root, files.folders[1], name)];
  const limitCpu = (processors: number) => write(cpu, files.cpu(Math.round(PERIOD * processors)));
  const guardian = startGuardian(REMOVE, cpu, memory);
  try {
    for (const folder of new Set([cpu, memory])) mkdirSync(folder);
    limitCpu(1);
    write(memory, files.memory(bytes));
    const [file, value] = files.swap(bytes);
    if (existsSync(join(memory, file))) write(memory, { [file]: value });
  } catch (error) {
    await guardian.end();
    throw error;
  }
  const read = (file: string) => readFileSync(join(memory, file), 'utf8');
  return {
    version: files.version,
    joins: [cpu, memory].map((folder) => join(folder, 'cgroup.procs')),
    limitCpu,
    get peak() {
      return existsSync(join(memory, files.peak)) ? Number(read(files.peak)) : undefined;
    },
    get kills() {
      return Number(/^oom_kill (\d+)$/m.exec(read(files.kills))?.[1]);
    },
    [Symbol.asyncDispose]: () => guardian.end(),
  };
}

function write(folder: string, settings: Settings): void {
  for (const [file, value] of Object.entries(settings)) writeFileSync(join(folder, file), `${value}`);
}
