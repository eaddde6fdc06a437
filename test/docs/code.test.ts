import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { COMPILER } from '../../infra/build/package.ts';
import { ROOT, readPage } from './pages.ts';

/** Names that the reader of a page has. */
const GIVEN = `
  declare const connection: { host: string };
  declare const save: (jobId: string, value: unknown) => Promise<void>;
  declare const stack: import('aws-cdk-lib').Stack;
  declare const redis: import('bullbridge').RedisAccess;
  declare const bullbridge: import('bullbridge').Bullbridge;
  declare const consumer: import('aws-cdk-lib/aws-lambda').Function;`;

/** Pages, with how much code they have at least. */
const PAGES = { consume: 8, metrics: 2 };

test('the code of the pages compiles', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bullbridge-docs-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'given.d.ts'), GIVEN);
  for (const [page, least] of Object.entries(PAGES)) {
    const blocks = [...(await readPage(`docs/${page}.md`)).matchAll(/^```ts\n(.*?)^```$/gms)];
    expect(blocks.length).toBeGreaterThanOrEqual(least);
    for (const [i, [, code = '']] of blocks.entries()) await writeFile(join(folder, `${page}-${i + 1}.ts`), code);
  }
  const paths = {
    bullbridge: [join(ROOT, 'infra/construct/index.ts')],
    'bullbridge/testing': [join(ROOT, 'consumer/testing/index.ts')],
    'bullbridge/*': [join(ROOT, 'consumer/*.ts')],
    'bullbridge/consumer': [join(ROOT, 'consumer/index.ts')],
  };
  const compilerOptions = { paths, types: ['node'], noUnusedLocals: false, noUnusedParameters: false };
  const extended = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['*.ts'], exclude: [] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(extended));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');

  const output = await new Promise((resolve) =>
    execFile(process.execPath, [...COMPILER, '-p', folder], (_, stdout, stderr) => resolve(stdout + stderr)),
  );

  expect(output).toBe('');
});
