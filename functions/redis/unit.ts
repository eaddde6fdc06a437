import type { Command } from './port.ts';
import { slotOf } from './slot.ts';
import type { Address } from './url.ts';

/** Commands that stay together, about one key: a transaction, or a single one. */
export interface Unit {
  readonly commands: readonly Command[];
  readonly slot: number;
}

/** Says where a key is, or where it is moving to. */
export interface Redirection {
  readonly kind: 'MOVED' | 'ASK';
  /** Without a host where that is the one which said so. */
  readonly to: Address;
}

/** Takes a pipeline apart, in its order. */
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

/** The key is the first argument of every command that is used here, but of `XINFO STREAM` and of `XREAD … STREAMS`. */
function keyOf(commands: readonly Command[]): string | Buffer {
  const [name = '', ...args] = commands.find((command) => command.length > 1) ?? [];
  const key = name.startsWith('xinfo') ? args[1] : args[args.indexOf('STREAMS') + 1];
  return typeof key === 'number' ? `${key}` : (key ?? '');
}

/** What a unit's replies say of another place; the first says it, a transaction's own only that there was one. */
export function redirectionOf(replies: readonly unknown[]): Redirection | undefined {
  for (const reply of replies) {
    const [, kind, host, port] = (reply instanceof Error && /^(MOVED|ASK) \d+ (.*):(\d+)$/.exec(reply.message)) || [];
    if (kind === 'MOVED' || kind === 'ASK') return { kind, to: { host: host ?? '', port: Number(port) } };
  }
  return undefined;
}
