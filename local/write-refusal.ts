import type { RedisTarget } from '../functions/redis/port.ts';

/** First match wins. The signs are codes of Redis's error replies, which are inside the reply when a script was refused. */
const REFUSALS: readonly (readonly [sign: RegExp, cause: string])[] = [
  [/NOPERM|ACL failure/, 'this user may only read there'],
  [/READONLY/, 'it is a replica, which only its master writes to'],
  [/OOM/, 'its memory is full (maxmemory)'],
  [/NOREPLICAS/, 'too few replicas follow it (min-replicas-to-write)'],
  [/MISCONF/, 'it cannot save its data to disk, and stops writes for that (stop-writes-on-bgsave-error)'],
  [/MOVED|CROSSSLOT|CLUSTERDOWN/, 'it is part of a cluster, and BullMQ connects to a single server here'],
];

/** The error to show when Redis refuses a write of the demonstration; it names host, user, cause and what to do instead. */
export function writeRefusal({ message }: Error, { host, port, user }: RedisTarget): Error {
  const cause = REFUSALS.find(([sign]) => sign.test(message))?.[1] ?? 'it refused to write';
  return new Error(
    `The demonstration cannot write to Redis ${host}:${port} as user "${user}": ${cause} (${message.trim()}). ` +
      'Forward your own queues with `npm start -- --queues <names>`, which only reads, or leave REDIS_URL out.',
  );
}
