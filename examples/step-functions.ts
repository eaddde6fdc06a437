import { type ConsumerHandler, QueueEvents } from 'bullbridge/consumer';

/** The two calls that are made: `new SFN()` of `@aws-sdk/client-sfn` has them. */
export interface StepFunctions {
  sendTaskSuccess(input: { taskToken: string; output: string }): Promise<unknown>;
  sendTaskFailure(input: { taskToken: string; error: string; cause: string }): Promise<unknown>;
}

/**
 * Makes a Lambda function that lets a state machine go on when its job has ended: what `job.waitUntilFinished` is used for.
 *
 * That method keeps a process and its connection open until the job ends, and forgets what it waits for when the process ends. Here the
 * state machine waits (`.waitForTaskToken`), for up to a year: it adds the job with the token in its data, and the forwarder needs
 * `jobFields: ['data.taskToken']`. A job that is removed as it ends has no token any more, so keep it for some minutes:
 * `removeOnComplete: { age: 3600 }`.
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

/** An event can come twice: then the task does not wait any more. */
async function ignoreLate(call: Promise<unknown>): Promise<void> {
  await call.catch((error: Error) => {
    if (error.name !== 'TaskTimedOut' && error.name !== 'TaskDoesNotExist') throw error;
  });
}
