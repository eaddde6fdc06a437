// Runs in the process of a function: loads its bundle and handles one event after the other, like the runtime of
// Lambda.
import { readFile } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';

const [, , bundle] = process.argv;

const describe = (error) => ({
  errorType: error?.name ?? 'Error',
  errorMessage: error?.message ?? String(error),
  trace: error?.stack,
});

/**
 * The peak memory. On Linux, `maxRSS` includes the memory of the parent process at the start; the value in `/proc` does
 * not, but other systems have no `/proc`.
 */
async function maxMemory() {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  return 1024 * (/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS);
}

let handler;
try {
  ({ handler } = await import(bundle));
  process.send({ init: performance.now() });
} catch (error) {
  process.send({ error: describe(error) }, () => process.exit(1));
}

process.on('message', async ({ event, requestId, deadline, memory, name }) => {
  const context = {
    awsRequestId: requestId,
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:eu-west-1:000000000000:function:${name}`,
    memoryLimitInMB: memory,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  const reply = await handler(event, context).then(
    (result) => ({ result }),
    (error) => ({ error: describe(error) }),
  );
  const cpu = process.cpuUsage();
  process.send({ ...reply, maxMemory: await maxMemory(), cpu });
  // Node writes its cache of compiled code when it exits, but this process is killed. Without a cache, this does nothing.
  flushCompileCache();
});
