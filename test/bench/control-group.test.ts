import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createControlGroup } from '../../bench/lambda/control-group.ts';
import { createTemporaryFolder } from '../../local/temporary-folder.ts';

const BYTES = 256 * 2 ** 20;

/** A folder that looks as the control groups of a version do. */
async function controlGroups(...files: readonly string[]): Promise<string> {
  const { path, ...folder } = createTemporaryFolder('control-groups');
  onTestFinished(() => folder[Symbol.asyncDispose]());
  for (const file of files) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), '');
  }
  return path;
}

test.each([
  {
    version: 1,
    around: ['cpu/cgroup.procs', 'memory/cgroup.procs'],
    limits: { 'cpu.cfs_period_us': '20000', 'cpu.cfs_quota_us': '2894', 'memory.limit_in_bytes': `${BYTES}` },
    counts: { 'memory.max_usage_in_bytes': '1000\n', 'memory.oom_control': 'under_oom 0\noom_kill 2\n' },
  },
  {
    version: 2,
    around: ['cgroup.controllers'],
    limits: { 'cpu.max': '2894 20000', 'memory.max': `${BYTES}` },
    counts: { 'memory.peak': '1000\n', 'memory.events': 'oom 3\noom_kill 2\noom_group_kill 0\n' },
  },
])('a control group of version $version has limits, counts, and is removed at the end', async (expected) => {
  const group = await createControlGroup(BYTES, await controlGroups(...expected.around));
  const folders = [...new Set(group.joins.map(dirname))];
  const [memory = ''] = folders.slice(-1);

  group.limitCpu(256 / 1769);

  const limits: Record<string, string> = {};
  for (const folder of folders)
    for (const file of await readdir(folder)) limits[file] = await readFile(join(folder, file), 'utf8');
  expect({ version: group.version, limits }).toEqual({ version: expected.version, limits: expected.limits });

  for (const [file, text] of Object.entries(expected.counts)) await writeFile(join(memory, file), text);
  expect({ peak: group.peak, kills: group.kills }).toEqual({ peak: 1000, kills: 2 });

  // The kernel's files go with their folder.
  for (const folder of folders) for (const file of await readdir(folder)) await rm(join(folder, file));
  await group[Symbol.asyncDispose]();
  expect(folders.filter((folder) => existsSync(folder))).toEqual([]);
});

test('without control groups, the error names what is missing', async () => {
  await expect(createControlGroup(BYTES, await controlGroups())).rejects.toThrow(/ENOENT.*mkdir.*cpu/);
});
