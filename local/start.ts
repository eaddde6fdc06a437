import { listenForInterrupts } from './start/interrupt.ts';
import { readOptions, USAGE } from './start/options.ts';
import { createTerminal } from './start/terminal.ts';

// `npm start`. Each of its two modes has a file in start/, which is loaded after the first line is printed: loading
// BullMQ, the AWS SDK and esbuild takes a second.
const terminal = createTerminal(process);
// ioredis and BullMQ print remarks about connections; each important fault is also an error.
for (const method of ['log', 'warn', 'error'] as const) console[method] = () => {};
const interrupt = listenForInterrupts();
interrupt.signal.addEventListener('abort', () => terminal.line('Ending in order; a second Ctrl-C ends at once.'));

async function run(): Promise<boolean> {
  const options = readOptions(process.argv.slice(2), process.env);
  switch (options.mode) {
    case 'help': {
      for (const line of USAGE.split('\n')) terminal.line(line);
      return true;
    }
    case 'demonstration': {
      terminal.line('Runs real jobs and forwards their events. Starting servers and building the function ...');
      const { demonstrate } = await import('./start/demonstration.ts');
      return demonstrate(options, terminal, interrupt);
    }
    case 'own queues': {
      terminal.line('Forwards the events of your queues. Starting servers and building the function ...');
      const { forwardOwnQueues } = await import('./start/own-queues.ts');
      return forwardOwnQueues(options, terminal, interrupt);
    }
  }
}

try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  terminal.progress('');
  terminal.fault(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
