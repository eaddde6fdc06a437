// Runs inside the process of a function: loads its bundle and handles one event after the other, as Lambda's runtime does.
const [, , bundle] = process.argv;

const describe = (error) => ({
  errorType: error?.name ?? 'Error',
  errorMessage: error?.message ?? String(error),
  trace: error?.stack,
});

// Whoever invokes it is gone.
process.on('disconnect', () => process.exit());

let handler;
try {
  ({ handler } = await import(bundle));
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
  process.send({ ...reply, maxMemory: process.resourceUsage().maxRSS * 1024, cpu: process.cpuUsage() });
});
