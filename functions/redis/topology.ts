import { redisError } from './error.ts';
import { mapOf } from './pairs.ts';
import type { RedisServer } from './server.ts';
import { SLOTS } from './slot.ts';
import { type Address, placeOf } from './url.ts';

/** Which master of a cluster has which hash slots. */
export interface Topology {
  readonly masters: readonly Address[];
  /** Where a slot is; `undefined` where no master has it. */
  masterOf(slot: number): Address | undefined;
  /** The address to connect to, of a server that another one calls by any of its names. */
  resolve(named: Address): Address;
}

/** A server in the answer: by the name to prefer, and with all others. */
type Named = readonly [name: string | null, port: number, id: string, others?: readonly string[]];

/**
 * Asks a server of a cluster where all slots are.
 *
 * A certificate is for names, so with TLS a host name goes before what the servers prefer. Where they have no name for
 * one, it is the host that was asked. https://redis.io/docs/latest/commands/cluster-slots/
 * @throws {RedisError} when it is refused, is no cluster, or the connection fails
 */
export async function readTopology(server: RedisServer, tls: boolean): Promise<Topology> {
  const [reply] = await server.send([['cluster', 'SLOTS']]);
  if (reply instanceof Error) throw redisError(reply, server.target, 'asking the cluster for its slots');
  const masters = new Map<string, Address>();
  const names = new Map<string, Address>();
  const bySlot = new Array<Address | undefined>(SLOTS);
  for (const [from, to, master] of reply as [number, number, Named][]) {
    const [preferred, port] = master;
    // Since Redis 7 a server has more names than one: `hostname` and `ip`, as far as they are not preferred already.
    const others = mapOf(master[3] ?? []) as Map<string, string>;
    const host = (tls && others.get('hostname')) || known(preferred) || others.get('ip') || server.target.host;
    const address = masters.get(placeOf({ host, port })) ?? { host, port };
    masters.set(placeOf(address), address);
    for (const name of [preferred ?? '', ...others.values()]) names.set(placeOf({ host: name, port }), address);
    bySlot.fill(address, from, to + 1);
  }
  return {
    masters: [...masters.values()],
    masterOf: (slot) => bySlot[slot],
    resolve: (named) => names.get(placeOf(named)) ?? named,
  };
}

/** A server that is to have a host name and was given none is called `?`. */
function known(name: string | null): string | undefined {
  return name === '?' ? undefined : (name ?? undefined);
}
