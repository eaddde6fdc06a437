import { QueueEvents } from 'bullmq';
import { eventually } from '../../local/process.ts';
import { keyOf, QUEUE } from './jobs.ts';
import type { CreateWay } from './way.ts';

/** Where a listener begins: at BullMQ's default, at the oldest entry, or after the last event that it handled. */
export type From = '$' | '0-0' | 'saved';

/** `QueueEvents`; the ID of the last handled event is saved after each, as a database would keep it. */
export function listenWithQueueEvents(from: From): CreateWay {
  return async ({ redisUrl, prefix, admin }, hear) => {
    const stream = `${prefix}:${QUEUE}:events`;
    const errors: string[] = [];
    const marks = new Set<string>();
    let saved: string | undefined;
    let settled = 0;
    let listening: { readonly events: QueueEvents; hasStopped: boolean } | undefined;

    async function stop(): Promise<void> {
      const stopping = listening?.events;
      listening = undefined;
      await stopping?.close();
    }

    return {
      async start() {
        const lastEventId = from === 'saved' ? saved : from;
        const events = new QueueEvents(QUEUE, {
          prefix,
          connection: { url: redisUrl, maxRetriesPerRequest: null },
          ...(lastEventId && { lastEventId }),
        });
        const current = { events, hasStopped: false };
        listening = current;
        for (const event of ['completed', 'failed', 'progress'] as const) {
          events.on(event, ({ jobId }: { readonly jobId: string }, id: string) => {
            hear(keyOf(event, jobId));
            saved = id;
          });
        }
        events.on('cleaned', ({ count }) => marks.add(count));
        events.on('error', ({ message }) => {
          if (listening !== current) return;
          errors.push(message);
          current.hasStopped = true;
        });
        await events.waitUntilReady();
      },
      /** Its events come in order: whoever hears a mark at the end of the stream has heard what is before it. */
      async settle() {
        settled += 1;
        const mark = `${settled}`;
        await eventually(async () => {
          if (marks.has(mark) || listening?.hasStopped) return;
          await admin.xadd(stream, '*', 'event', 'cleaned', 'count', mark);
          throw new Error(`QueueEvents does not hear mark ${mark}`);
        });
      },
      stop,
      remarks: () => (errors.length === 0 ? [] : [`${errors.length} × \`error\`: ${errors[0]}`]),
      [Symbol.asyncDispose]: stop,
    };
  };
}
