// The packed package as a user gets it: alone in an empty directory, and with the lowest and the newest aws-cdk-lib
// that it takes, where what production relies on is as it should be. Needs the registry.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const lowest = (name) => `${name}@${peerDependencies[name].replace('^', '')}`;
const folder = mkdtempSync(join(tmpdir(), 'bullbridge-cdk-'));

function run(command, args, cwd, env = {}) {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Installs packages in an empty directory. */
function install(name, ...packages) {
  const app = join(folder, name);
  cpSync(join(ROOT, 'test/fixtures/user-app'), app, { recursive: true });
  writeFileSync(join(app, 'package.json'), '{ "type": "module" }');
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', ...packages], app);
  return app;
}

try {
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--silent', '--json', '--pack-destination', folder], ROOT));
  const tarball = join(folder, filename);

  const alone = readdirSync(join(install('alone', tarball), 'node_modules')).filter((name) => !name.startsWith('.'));
  if (alone.join() !== 'bullbridge') throw new Error(`the package must install alone, got ${alone.join(', ')}`);
  console.log('alone: one package');

  const versions = {
    lowest: [lowest('aws-cdk-lib'), lowest('constructs')],
    newest: ['aws-cdk-lib@2', 'constructs@10'],
  };
  for (const [name, packages] of Object.entries(versions)) {
    const app = install(name, tarball, ...packages, '@types/node@24', 'typescript@5');
    run('npx', ['tsc', '--module', 'nodenext', '--target', 'es2022', '--skipLibCheck', 'production.ts'], app);
    const printed = run(process.execPath, ['production.js'], app, {
      CDK_VALIDATION: 'false',
      JSII_DEPRECATED: 'quiet',
    });
    const expected = readFileSync(join(app, 'production.json'), 'utf8');
    if (!isDeepStrictEqual(JSON.parse(printed.split('\n')[0]), JSON.parse(expected))) {
      throw new Error(`${packages.join(' and ')}: the templates differ from test/fixtures/user-app/production.json`);
    }
    const { version } = JSON.parse(readFileSync(join(app, 'node_modules/aws-cdk-lib/package.json'), 'utf8'));
    console.log(`${name}: aws-cdk-lib ${version}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
