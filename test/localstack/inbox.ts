import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { BusEvent } from '../../local/bus/event-buses.ts';
import type { Ending } from './jobs.ts';

type Event = BusEvent & { readonly detail: Readonly<Record<string, unknown>> };

/** What has arrived at a queue behind a rule. */
export interface Inbox {
  /** Takes what is there, or comes within a second, and gives all that has arrived so far. */
  take(): Promise<readonly Event[]>;
}

export function openInbox(client: SQSClient, QueueUrl: string): Inbox {
  const arrived: Event[] = [];
  return {
    async take() {
      for (;;) {
        const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 });
        const { Messages = [] } = await client.send(command);
        if (Messages.length === 0) return arrived;
        arrived.push(...Messages.map(({ Body = '' }) => JSON.parse(Body)));
        const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: `${n}`, ReceiptHandle }));
        await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      }
    },
  };
}

/** How jobs ended, as events tell it, in an order of its own. */
export function endingsOf(events: readonly Event[]): Ending[] {
  return sorted(
    events
      .filter(({ source }) => source === 'bullmq')
      .map(({ detail: { queue, event, jobId, returnvalue, failedReason } }) => ({
        queue: `${queue}`,
        event: `${event}`,
        jobId: `${jobId}`,
        result: event === 'failed' ? failedReason : returnvalue,
      })),
  );
}

export function sorted(endings: readonly Ending[]): Ending[] {
  return [...endings].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** A job ends once; two endings with one key are the same. */
export function keyOf({ queue, jobId, event }: Ending): string {
  return `${queue} ${jobId} ${event}`;
}
