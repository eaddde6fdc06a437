import { forwardWithBullbridge } from './bullbridge.ts';
import { listenAndScan } from './hybrid.ts';
import { listenWithQueueEvents } from './queue-events.ts';
import type { CreateWay } from './way.ts';
import { listenInWorkers } from './worker-events.ts';

/** What is compared, by the name it has in the page. */
export const WAYS = {
  'QueueEvents from `$`': listenWithQueueEvents('$'),
  'QueueEvents from `0-0`': listenWithQueueEvents('0-0'),
  'QueueEvents with a saved ID': listenWithQueueEvents('saved'),
  'Worker events': listenInWorkers,
  'QueueEvents and a scan': listenAndScan,
  bullbridge: forwardWithBullbridge,
} as const satisfies Record<string, CreateWay>;

export type WayName = keyof typeof WAYS;
