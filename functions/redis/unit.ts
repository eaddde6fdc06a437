import type { Command } from './port.ts';
import { slotOf } from './slot.ts';
import type { Address } from './url.ts';

/** Commands about one key that must stay together: a transaction, or a single command. */
export interface Unit {
  readonly commands: readonly Command[];
  readonly slot: number;
}

/** The server that has a key, or that the key is moving to. */
export interface Redirection {
  readonly kind: 'MOVED' | 'ASK';
  /** Without a host, it means the server that answered. */
  readonly to: Address;
}

/** Splits a pipeline into its units, in order. */
export function unitsOf(commands: readonly Command[]): Unit[] {
  const units: Unit[] = [];
  let open: Command[] = [];
  for (const command of commands) {
    open.push(command);
    if (open[0]?.[0] === 'multi' && command[0] !== 'exec') continue;
    units.push({ commands: open, slot: slotOf(keyOf(open)) });
    open = [];
  }
  return units;
}

/** The key is the first argument, except in `XINFO STREAM` and `XREAD … STREAMS`. */
function keyOf(commands: readonly Command[]): string | Buffer {
  const [name = '', ...args] = commands.find((command) => command.length > 1) ?? [];
  const key = name.startsWith('xinfo') ? args[1] : args[args.indexOf('STREAMS') + 1];
  return typeof key === 'number' ? `${key}` : (key ?? '');
}

/** The redirection in the replies to a unit: in the first error, because the error of `EXEC` has no address. */
export function redirectionOf(replies: readonly unknown[]): Redirection | undefined {
  for (const reply of replies) {
    const [, kind, host, port] = (reply instanceof Error && /^(MOVED|ASK) \d+ (.*):(\d+)$/.exec(reply.message)) || [];
    if (kind === 'MOVED' || kind === 'ASK') return { kind, to: { host: host ?? '', port: Number(port) } };
  }
  return undefined;
}
