import type { RedisTarget } from '../functions/redis/port.ts';

/**
 * The first match wins. The signs are codes of error replies; if a script was refused, the code is inside the reply.
 */
const REFUSALS: readonly (readonly [sign: RegExp, cause: string])[] = [
  [/NOPERM|ACL failure/, 'this user may not write there'],
  [/READONLY/, 'it is a read-only replica'],
  [/OOM/, 'its memory is full (maxmemory)'],
  [/NOREPLICAS/, 'too few replicas follow it (min-replicas-to-write)'],
  [/MISCONF/, 'it cannot save its data to disk, so it refuses writes (stop-writes-on-bgsave-error)'],
  [/MOVED|CROSSSLOT|CLUSTERDOWN/, 'it is part of a cluster, but the demonstration needs a single server'],
];

/** The error to show if Redis refuses a write of the demonstration: the host, the user, the cause and the remedy. */
export function writeRefusal({ message }: Error, { host, port, user }: RedisTarget): Error {
  const cause = REFUSALS.find(([sign]) => sign.test(message))?.[1] ?? 'it refused to write';
  return new Error(
    `The demonstration cannot write to Redis ${host}:${port} as user "${user}": ${cause} (${message.trim()}). ` +
      'Forward your own queues with `npm start -- --queues <names>`, which only reads, or leave REDIS_URL out.',
  );
}
