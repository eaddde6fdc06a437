/** What a user of Redis is needed for: the functions, and what a URL or a server adds to them. */
export type Need = 'forward' | 'reconcile' | 'database' | 'cluster' | 'sentinel';

interface Permission {
  /** As the rules of an ACL name it: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/ */
  readonly command: string;
  readonly needs: readonly Need[];
  readonly about: string;
}

/** Every command that is sent to Redis, but `HELLO` and `AUTH`, which each user may send; no other compiles. */
const PERMISSIONS = [
  { command: 'xread', needs: ['forward'], about: 'looks for new entries of all queues, and waits for them' },
  { command: 'xrange', needs: ['forward', 'reconcile'], about: 'reads entries' },
  { command: 'xinfo|stream', needs: ['forward'], about: 'counts what was trimmed' },
  { command: 'multi', needs: ['forward'], about: 'reads a stream and its counters at one moment' },
  { command: 'exec', needs: ['forward'], about: 'the end of `multi`' },
  { command: 'scan', needs: ['forward'], about: 'finds queues' },
  { command: 'type', needs: ['forward'], about: 'tells streams from other keys, before Redis 6' },
  { command: 'zrangebyscore', needs: ['reconcile'], about: 'finds the jobs that ended while events were lost' },
  { command: 'hmget', needs: ['forward', 'reconcile'], about: 'reads how much a stream keeps, and jobs' },
  { command: 'select', needs: ['database'], about: 'a database other than 0' },
  { command: 'cluster|slots', needs: ['cluster'], about: 'asks which server has which keys' },
  { command: 'asking', needs: ['cluster'], about: 'follows keys while they move to another server' },
  { command: 'sentinel|get-master-addr-by-name', needs: ['sentinel'], about: 'asks a Sentinel for the master' },
] as const satisfies readonly Permission[];

type NameOf<Command extends string> = Command extends `${infer Name}|${string}` ? Name : Command;

/** The name of a command that a user is told to be allowed. */
export type CommandName = NameOf<(typeof PERMISSIONS)[number]['command']> | 'hello';

/** The rules that allow what is needed, such as `+xread +xrange`. */
export function permissionsFor(...needs: readonly Need[]): string {
  return PERMISSIONS.filter((permission: Permission) => permission.needs.some((need) => needs.includes(need)))
    .map(({ command }) => `+${command}`)
    .join(' ');
}
