import { once } from 'node:events';
import { environmentOf, startLocalStack } from './server.ts';

// `npm run localstack`: runs LocalStack on its usual port and a Redis until Ctrl-C, and prints the variables to export.
const PORT = 4566;
// Listens from the start, so that an early signal also ends the program in order.
const interrupted = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));

try {
  console.log('Starting LocalStack and a Redis; the first time, this fetches LocalStack and takes about a minute ...');
  await using localstack = await startLocalStack({ port: PORT });
  console.log(`LocalStack: ${localstack.what}, at ${localstack.url}\n\nType this into your terminal:\n`);
  for (const [name, value] of Object.entries(environmentOf(localstack))) console.log(`export ${name}=${value}`);
  console.log(`export PATH='${localstack.bin}':"$PATH"\n\nCtrl-C stops both.`);
  // Signals alone do not keep a process alive.
  const alive = setInterval(() => {}, 60_000);
  await interrupted;
  clearInterval(alive);
  console.log('Stopping ...');
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
