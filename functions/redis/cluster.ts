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
import { type Address, placeOf } from './url.ts';

/**
 * Connects to the masters of a cluster, each as it is needed.
 *
 * What a server says has moved is asked for once more, where it is now; so is what a server had that fails, where another
 * one has taken its place meanwhile. What is left of a failure is the reply to the commands of that one server: the others
 * are read.
 * @param seeds servers that may be asked where the masters are, in their order
 * @param first a connection to the first of them
 * @throws {RedisError} when none of them answers, refuses it, or is no server of a cluster
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

  /** Asks again where all slots are: first those who know, and not those who fail. */
  async function refresh(knowing: readonly Address[], failing: readonly Address[]): Promise<void> {
    const failed = new Set(failing.map(placeOf));
    const others = [...knowing, ...topology.masters, ...seeds].filter((address) => !failed.has(placeOf(address)));
    // Where nobody else answers, those that failed are what is reported.
    topology = await askOne(servers, others, access.tls).catch(() => topology);
  }

  /** Asks again for what did not come, where that is now. */
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
      // What is called nothing is where the answer came from; what has moved is looked up in the slots, which are asked for anew.
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
    isCluster: true,
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
        const still = topology.masters.find((master) => placeOf(master) === placeOf(from));
        if (still && !mayAnswer(still, from, failure)) throw failure;
      }
      return together(await Promise.all(topology.masters.map((master) => scanAt(master, pattern, options))));
    },
    close: servers.close,
  };
}

/** Asks one server after the other where the slots are, until one answers. @throws {RedisError} what the first of them said */
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

/** Another server may, and the same one where its connection only was closed; one that does not answer is not asked twice. */
function mayAnswer(to: Address | undefined, from: Address | undefined, failure: RedisError | undefined): boolean {
  return !to || !from || placeOf(to) !== placeOf(from) || failure?.code === 'REDIS_CLOSED';
}

/** What moves on and on is left for the next run. */
function settled(outcome: Outcome): Outcome {
  if (!redirectionOf(outcome.replies)) return outcome;
  const replies = outcome.replies.map((reply) =>
    reply instanceof Error ? new Error(`REDIRECTED ${reply.message}`) : reply,
  );
  return { ...outcome, replies };
}
