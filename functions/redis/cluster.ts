import type { RedisError } from '../errors.ts';
import type { ServerAccess } from './client.ts';
import { dispatch, type Errand, type Outcome } from './dispatch.ts';
import { databaseError } from './error.ts';
import type { RedisConnection, ScanOptions } from './port.ts';
import { scan, together } from './scan.ts';
import { connectServer, type RedisServer } from './server.ts';
import { createServerPool, type ServerPool } from './server-pool.ts';
import { readTopology, type Topology } from './topology.ts';
import { redirectionOf, type Unit, unitsOf } from './unit.ts';
import { type Address, addressKey } from './url.ts';

/**
 * Connects to the masters of a cluster. Each connection is opened when it is first needed.
 *
 * Commands for keys that have moved are sent once more, to the server that has the keys now. Commands to a server that
 * failed are also sent once more if another server has taken its place. If that also fails, the error is the reply to
 * the commands of that server, and the other servers are read.
 * @param seeds servers to ask for the masters, in this order
 * @param first an open connection to the first seed
 * @throws {RedisError} when every seed fails, refuses the user, or is not in cluster mode
 */
export async function connectCluster(
  seeds: readonly Address[],
  access: ServerAccess,
  first?: RedisServer,
): Promise<RedisConnection> {
  const { host, port } = seeds[0] as Address;
  const target = { host, port, user: access.user ?? 'default', role: 'a cluster', iam: access.token !== undefined };
  const ofServer = { ...access, role: 'a server of the cluster', db: 0 };
  const servers = createServerPool(target, (address) => connectServer(address, ofServer), first);
  const failure = (error: unknown) => {
    servers.close();
    throw error;
  };
  if (access.db !== 0) failure(databaseError(target, access.db));
  let topology = await askOne(servers, seeds, access.tls).catch(failure);

  /** Reads the slots again: first from servers that know about a change, never from servers that failed. */
  async function refresh(knowing: readonly Address[], failing: readonly Address[]): Promise<void> {
    const failed = new Set(failing.map(addressKey));
    const others = [...knowing, ...topology.masters, ...seeds].filter((address) => !failed.has(addressKey(address)));
    // If no other server answers, the old slots stay, and the failures are reported.
    topology = await askOne(servers, others, access.tls).catch(() => topology);
  }

  /** The units to send once more, each to the server that has its slot now. */
  async function again(outcomes: ReadonlyMap<Unit, Outcome>): Promise<Errand[]> {
    const redirected: Errand[] = [];
    const knowing: Address[] = [];
    const failed: [Unit, Outcome][] = [];
    for (const [unit, outcome] of outcomes) {
      const redirection = redirectionOf(outcome.replies);
      if (outcome.failure) failed.push([unit, outcome]);
      if (!redirection || !outcome.from) continue;
      knowing.push(outcome.from);
      const { kind, to } = redirection;
      // A redirection without a host means the server that answered. For MOVED, the new slots have the server.
      redirected.push({ unit, to: kind === 'ASK' ? { ...to, host: to.host || outcome.from.host } : undefined });
    }
    if (redirected.length + failed.length === 0) return [];
    await refresh(
      knowing,
      failed.flatMap(([, { from }]) => from ?? []),
    );
    return [
      ...redirected.map(({ unit, to }) =>
        to ? { unit, to: topology.resolve(to), asking: true } : { unit, to: topology.masterOf(unit.slot) },
      ),
      ...failed.flatMap(([unit, { from, failure }]) => {
        const to = topology.masterOf(unit.slot);
        return mayAnswer(to, from, failure) ? { unit, to } : [];
      }),
    ];
  }

  const scanAt = async (master: Address, pattern: string, options?: ScanOptions) =>
    scan(await servers.at(master), pattern, options);

  return {
    target,
    isCluster: async () => true,
    async send(commands, limits) {
      const allowance = { ...limits, received: 0 };
      const units = unitsOf(commands);
      const errands = units.map((unit) => ({ unit, to: topology.masterOf(unit.slot) }));
      const outcomes = await dispatch(servers, errands, allowance);
      const others = await again(outcomes);
      if (others.length > 0) {
        for (const [unit, outcome] of await dispatch(servers, others, allowance)) outcomes.set(unit, settled(outcome));
      }
      const all = units.map((unit) => outcomes.get(unit) as Outcome);
      if (all[0]?.failure && all.every(({ failure }) => failure)) throw all[0].failure;
      return all.flatMap(({ replies }) => replies);
    },
    async scan(pattern, options) {
      const { masters } = topology;
      const found = await Promise.allSettled(masters.map((master) => scanAt(master, pattern, options)));
      const failed = masters.flatMap((from, i) => {
        const result = found[i];
        return result?.status === 'rejected' ? { from, failure: result.reason as RedisError } : [];
      });
      if (failed.length === 0)
        return together(found.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])));
      await refresh(
        [],
        failed.map(({ from }) => from),
      );
      for (const { from, failure } of failed) {
        const still = topology.masters.find((master) => addressKey(master) === addressKey(from));
        if (still && !mayAnswer(still, from, failure)) throw failure;
      }
      return together(await Promise.all(topology.masters.map((master) => scanAt(master, pattern, options))));
    },
    close: servers.close,
  };
}

/** Reads the slots from the first server that answers. @throws {RedisError} the failure of the first one */
async function askOne(servers: ServerPool, candidates: readonly Address[], tls: boolean): Promise<Topology> {
  let failure: unknown;
  for (const address of candidates) {
    try {
      return await readTopology(await servers.at(address), tls);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/**
 * Whether to try once more: on another server, or on the same one if its connection was closed. A server that timed out
 * is not asked twice.
 */
function mayAnswer(to: Address | undefined, from: Address | undefined, failure: RedisError | undefined): boolean {
  return !to || !from || addressKey(to) !== addressKey(from) || failure?.code === 'REDIS_CLOSED';
}

/** The outcome after the second attempt; keys that moved twice are left for the next run. */
function settled(outcome: Outcome): Outcome {
  if (!redirectionOf(outcome.replies)) return outcome;
  const replies = outcome.replies.map((reply) =>
    reply instanceof Error ? new Error(`REDIRECTED ${reply.message}`) : reply,
  );
  return { ...outcome, replies };
}
