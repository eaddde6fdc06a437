// What is measured against: the shortest function that publishes the same events, without accounting, filter, retries or checkpoint.
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { Redis } from 'ioredis';
import pMap from 'p-map';

const { REDIS_URL = '', BULLBRIDGE_PREFIX: prefix = '', BULLBRIDGE_QUEUES: queue = '' } = process.env;
const bus = new EventBridgeClient({});

export async function handler() {
  const redis = new Redis(REDIS_URL);
  let published = 0;
  for (let from = '-'; ; ) {
    const page = await redis.xrange(`${prefix}:${queue}:events`, from, '+', 'COUNT', 1000);
    if (page.length === 0) break;
    const entries = page.map(([streamId, [, event = '', , jobId, , returnvalue = '', , prev]], i) => {
      const timestamp = Number(streamId.split('-')[0]);
      return {
        EventBusName: 'bullbridge',
        Source: 'bullmq',
        DetailType: 'Job Completed',
        Time: new Date(timestamp),
        Detail: JSON.stringify({
          version: '1',
          id: `default/${prefix}:${queue}/${streamId}`,
          sourceName: 'default',
          prefix,
          queue,
          event,
          streamId,
          sequence: published + i + 1,
          timestamp,
          jobId,
          returnvalue: JSON.parse(returnvalue),
          prev,
        }),
      };
    });
    const requests = Array.from({ length: Math.ceil(entries.length / 10) }, (_, i) =>
      entries.slice(10 * i, 10 * i + 10),
    );
    await pMap(requests, (Entries) => bus.send(new PutEventsCommand({ Entries })), { concurrency: 16 });
    published += page.length;
    from = `(${page.at(-1)?.[0]}`;
  }
  redis.disconnect();
  return { published };
}
