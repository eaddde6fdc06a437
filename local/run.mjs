// Runs a program of this repository on Node 24: `node local/run.mjs <file> [arguments]`.
//
// Node 24.11 or newer runs it in this process. An older Node runs it in a child process, on the Node 24 that `npm ci`
// installs on Linux: npm 10 installs that package but not its link in node_modules/.bin, so `node` in a script is the
// Node of the system. An old Node must be able to parse this file and print a message, so it uses no syntax newer than
// Node 12.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';

/** Resolves from the workspace that lists the Node of each platform, because npm may nest its packages there. */
const native = createRequire(new URL('native/package.json', import.meta.url));
const platform = `${process.platform}-${process.arch}`;
const nodePackage = `node-${platform}`;
const npmInstallsNode = nodePackage in native('./package.json').optionalDependencies;
const [major, minor] = process.versions.node.split('.').map(Number);
/** The first long-term release of Node 24. */
const newEnough = major > 24 || (major === 24 && minor >= 11);
/** On an older Node, npm leaves out optional packages whose `engines` exclude it, such as the binary of Rolldown. */
const canInstall = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);

const problem = findProblem();
if (problem) fail(problem);
else if (newEnough) runHere();
else runOn(native.resolve(`${nodePackage}/bin/node`));

/** The problem with this Node or with the installation, and the remedy; undefined if there is none. */
function findProblem() {
  if (!newEnough && !(npmInstallsNode && canInstall)) {
    const wanted = npmInstallsNode ? '20.19, 22.12 or newer' : '24.11 or newer';
    return `bullbridge needs Node ${wanted} on ${platform}, but this is ${process.version} (${process.execPath}). Install one from https://nodejs.org/en/download.`;
  }
  // npm writes this file last.
  if (!existsSync(new URL('../node_modules/.package-lock.json', import.meta.url)))
    return 'The dependencies are not installed, or not all of them. Run `npm ci` first.';
  const missing = ['esbuild', ...(npmInstallsNode ? [nodePackage] : [])].filter((name) => !isInstalled(name));
  if (missing.length > 0)
    return `npm left out ${missing.join(' and ')}. Run \`npm ci\` again without --omit=dev, --omit=optional and NODE_ENV=production.`;
  return undefined;
}

function isInstalled(name) {
  try {
    native.resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

function runHere() {
  process.argv.splice(1, 2, resolve(process.argv[2]));
  if (process.channel) {
    // `runOn` started this process. The channel closes when its process is gone, even after SIGKILL.
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
    process.channel.unref();
  }
  // Like `node <file>`. With `import()`, `import.meta.main` would be false, and an unsettled await would exit with 0.
  Module.runMain(process.argv[1]);
}

/** Runs this file again on another Node, and exits with its exit code. */
function runOn(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const inTerminal = [0, 1, 2].some((fd) => isatty(fd));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      // In a terminal, the child receives the Ctrl-C itself.
      if (signal !== 'SIGINT' || !inTerminal) child.kill(signal);
    });
  child.on('error', ({ message }) =>
    fail(
      `${node} does not start (${message}): it needs Linux with glibc, not musl. Install Node 24.11 or newer in another way.`,
    ),
  );
  // For an end by a signal, the exit code that a shell reports.
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}
