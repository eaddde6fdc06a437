import { Queue } from 'bullmq';
import { type EventKey, keyOf, QUEUE } from './jobs.ts';
import { listenWithQueueEvents } from './queue-events.ts';
import type { CreateWay } from './way.ts';

const PAGE = 1000;

/**
 * `QueueEvents` for speed, and a scan of the finished jobs at each start and now and then, for what it missed.
 *
 * What a scan has reached is saved; which jobs were reported is only known in memory, as in a process that starts anew.
 */
export const listenAndScan: CreateWay = async (world, hear) => {
  const reported = new Set<EventKey>();
  const report = (key: EventKey) => {
    reported.add(key);
    hear(key);
  };
  const listener = await listenWithQueueEvents('$')(world, report);
  // Without `skipMetasUpdate`, constructing a Queue sets the cap of the events stream back to 10,000.
  const queue = new Queue(QUEUE, {
    prefix: world.prefix,
    connection: { url: world.redisUrl, maxRetriesPerRequest: null },
    skipMetasUpdate: true,
  });
  let scannedUntil = 0;

  /** Newest first, so that a job that ends meanwhile moves the others to later pages and none is passed over. */
  async function scan(state: 'completed' | 'failed'): Promise<number> {
    let newest = scannedUntil;
    for (let from = 0; ; from += PAGE) {
      const jobs = await queue.getJobs([state], from, from + PAGE - 1);
      for (const { id = '', finishedOn = 0 } of jobs) {
        if (finishedOn < scannedUntil) return newest;
        newest = Math.max(newest, finishedOn);
        const key = keyOf(state, id);
        if (!reported.has(key)) report(key);
      }
      if (jobs.length < PAGE) return newest;
    }
  }

  async function sync(): Promise<void> {
    scannedUntil = Math.min(await scan('completed'), await scan('failed'));
  }

  return {
    async start() {
      await listener.start();
      await sync();
    },
    settle: listener.settle,
    sync,
    async stop() {
      await listener.stop();
      reported.clear();
    },
    remarks: listener.remarks,
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      await queue.close();
    },
  };
};
