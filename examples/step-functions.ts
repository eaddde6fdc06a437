import { type ConsumerHandler, QueueEvents } from 'bullbridge/consumer';

/** Two calls of Step Functions; `new SFN()` of `@aws-sdk/client-sfn` has them. */
export interface StepFunctions {
  sendTaskSuccess(input: { taskToken: string; output: string }): Promise<unknown>;
  sendTaskFailure(input: { taskToken: string; error: string; cause: string }): Promise<unknown>;
}

/**
 * Creates a Lambda function that continues a state machine when its job has ended, instead of `job.waitUntilFinished`.
 *
 * `waitUntilFinished` keeps a process and a connection open until the job ends; a Lambda function has neither after its
 * invocation. Here, the state machine waits for up to a year (`.waitForTaskToken`). It adds the job with the task token
 * in its data, and the forwarder has `jobFields: ['data.taskToken']`. Keep jobs for longer than the interval of the
 * forwarder, for example with `removeOnComplete: { age: 3600 }`, because a removed job has no token.
 */
export function createHandler(stepFunctions: StepFunctions, queue: string): ConsumerHandler {
  const queueEvents = new QueueEvents(queue);
  queueEvents.onAny(async (event, { returnvalue, failedReason }, { detail }) => {
    const taskToken = tokenOf(detail.job?.data);
    if (taskToken === undefined) return;
    if (event === 'completed') {
      await ignoreLate(stepFunctions.sendTaskSuccess({ taskToken, output: JSON.stringify(returnvalue ?? null) }));
    }
    if (event === 'failed') {
      await ignoreLate(stepFunctions.sendTaskFailure({ taskToken, error: 'JobFailed', cause: String(failedReason) }));
    }
  });
  return queueEvents.handler;
}

function tokenOf(data: unknown): string | undefined {
  const token = (data as { taskToken?: unknown } | undefined)?.taskToken;
  return typeof token === 'string' ? token : undefined;
}

/** Ignores an event that was delivered twice, after its task has ended. */
async function ignoreLate(call: Promise<unknown>): Promise<void> {
  await call.catch((error: Error) => {
    if (error.name !== 'TaskTimedOut' && error.name !== 'TaskDoesNotExist') throw error;
  });
}
