import { redisError } from './error.ts';
import { mapOf } from './pairs.ts';
import type { RedisServer } from './server.ts';
import { SLOTS } from './slot.ts';
import { type Address, addressKey } from './url.ts';

/** The masters of a cluster, with their hash slots. */
export interface Topology {
  readonly masters: readonly Address[];
  /** The master that has a slot; `undefined` if none has it. */
  masterOf(slot: number): Address | undefined;
  /** The address to connect to for any name of a server. */
  resolve(named: Address): Address;
}

/** A server in the reply: its preferred name, and its other names. */
type Named = readonly [name: string | null, port: number, id: string, others?: readonly string[]];

/**
 * Asks a server of a cluster for the masters and their slots.
 *
 * Certificates are usually for names, so a host name is preferred to an address with TLS. A server without any name is
 * the server that was asked. https://redis.io/docs/latest/commands/cluster-slots/
 * @throws {RedisError} when the command is refused, the server is not in cluster mode, or the connection fails
 */
export async function readTopology(server: RedisServer, tls: boolean): Promise<Topology> {
  const [reply] = await server.send([['cluster', 'SLOTS']]);
  if (reply instanceof Error) throw redisError(reply, server.target, 'asking the cluster for its slots');
  const masters = new Map<string, Address>();
  const names = new Map<string, Address>();
  const bySlot = new Array<Address | undefined>(SLOTS);
  for (const [from, to, master] of reply as [number, number, Named][]) {
    const [preferred, port] = master;
    // Since Redis 7, the reply also has `hostname` and `ip`, unless one of them is the preferred name.
    const others = mapOf(master[3] ?? []) as Map<string, string>;
    const host = (tls && others.get('hostname')) || known(preferred) || others.get('ip') || server.target.host;
    const address = masters.get(addressKey({ host, port })) ?? { host, port };
    masters.set(addressKey(address), address);
    for (const name of [preferred ?? '', ...others.values()]) names.set(addressKey({ host: name, port }), address);
    bySlot.fill(address, from, to + 1);
  }
  return {
    masters: [...masters.values()],
    masterOf: (slot) => bySlot[slot],
    resolve: (named) => names.get(addressKey(named)) ?? named,
  };
}

/** Redis writes `?` for a host name that is preferred but not set. */
function known(name: string | null): string | undefined {
  return name === '?' ? undefined : (name ?? undefined);
}
