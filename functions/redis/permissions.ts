/** Reasons for a permission: a function, or a kind of Redis. */
export type Need = 'forward' | 'reconcile' | 'database' | 'cluster' | 'sentinel';

interface Permission {
  /** In the syntax of ACL rules: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/ */
  readonly command: string;
  readonly needs: readonly Need[];
  readonly about: string;
}

/**
 * All commands that are sent to Redis, except `HELLO` and `AUTH`, which need no permission. Other commands do not
 * compile.
 */
export const PERMISSIONS = [
  { command: 'xrange', needs: ['forward', 'reconcile'], about: 'reads entries' },
  { command: 'xread', needs: ['forward'], about: 'finds queues with new entries, and waits for new entries' },
  { command: 'xinfo|stream', needs: ['forward'], about: 'counts trimmed entries' },
  { command: 'multi', needs: ['forward'], about: 'reads a stream and its counters at the same moment' },
  { command: 'exec', needs: ['forward'], about: 'ends what `multi` began' },
  { command: 'scan', needs: ['forward'], about: 'finds queues' },
  { command: 'zrangebyscore', needs: ['reconcile'], about: 'finds the jobs that ended while events were lost' },
  {
    command: 'hmget',
    needs: ['forward', 'reconcile'],
    about: 'reads the length that streams are trimmed to, and fields of jobs',
  },
  { command: 'select', needs: ['database'], about: 'selects a database other than 0' },
  { command: 'cluster|slots', needs: ['cluster'], about: 'asks which server has which keys' },
  { command: 'asking', needs: ['cluster'], about: 'follows keys that are moving to another server' },
  { command: 'sentinel|get-master-addr-by-name', needs: ['sentinel'], about: 'asks a Sentinel where the master is' },
  // Only sent to servers before Redis 6, which have no users.
  { command: 'type', needs: [], about: 'distinguishes streams from other keys' },
] as const satisfies readonly Permission[];

type NameOf<Command extends string> = Command extends `${infer Name}|${string}` ? Name : Command;

/** The name of a command of the table. */
export type CommandName = NameOf<(typeof PERMISSIONS)[number]['command']> | 'hello';

/** The ACL rules for these needs, such as `+xrange +xread`. */
export function permissionsFor(...needs: readonly Need[]): string {
  return PERMISSIONS.filter((permission: Permission) => permission.needs.some((need) => needs.includes(need)))
    .map(({ command }) => `+${command}`)
    .join(' ');
}
