import { Cluster, Redis } from 'ioredis';
import { slotOf } from '../functions/redis/slot.ts';
import { eventually, freePort } from '../local/process.ts';
import { countsEntries, startNative } from '../local/redis.ts';
import { nativeServer } from './needs.ts';

/** A server of a cluster. */
interface ClusterNode {
  readonly url: string;
  readonly port: number;
  /** Where it speaks TLS, if it does. */
  readonly tlsPort: number | undefined;
  readonly id: string;
  readonly admin: Redis;
  stop(): Promise<void>;
}

export interface TestCluster extends AsyncDisposable {
  readonly masters: readonly ClusterNode[];
  /** One of each master, where there are any. */
  readonly replicas: readonly ClusterNode[];
  /** As BullMQ uses it. */
  readonly client: Cluster;
  /** The master that the slots were given to that have this key. */
  ownerOf(key: string): ClusterNode;
  /** Begins to move a key's slot to another master, with all that is in it; `finish` makes it known. */
  move(key: string, to: ClusterNode): Promise<{ finish(): Promise<void> }>;
}

/** Starts three masters that share all hash slots; `tls` are settings with which they speak TLS, too. */
export async function startCluster({
  replicas = 0,
  args = [] as readonly string[],
  tls = undefined as readonly string[] | undefined,
} = {}): Promise<TestCluster> {
  const started = new AsyncDisposableStack();
  try {
    const nodes = await Promise.all(Array.from({ length: 3 + replicas }, () => startNode(args, tls, started)));
    const masters = nodes.slice(0, 3);
    const [first] = masters as [ClusterNode];
    const bounds = [0, 5461, 10_923, 16_384] as const;
    const moved = new Map<number, ClusterNode>();
    const of = (key: string) => {
      const slot = slotOf(key);
      return moved.get(slot) ?? (masters[bounds.findIndex((bound) => slot < bound) - 1] as ClusterNode);
    };
    for (const [i, { admin }] of masters.entries()) {
      const [from = 0, to = 0] = bounds.slice(i, i + 2);
      await admin.call('CLUSTER', 'ADDSLOTS', ...Array.from({ length: to - from }, (_, n) => from + n));
    }
    for (const node of nodes.slice(1)) {
      await first.admin.call('CLUSTER', 'MEET', '127.0.0.1', `${node.tlsPort ?? node.port}`, `${await busPort(node)}`);
    }
    for (const node of nodes) await until(async () => (await peersOf(node)) === nodes.length);
    for (const [i, { admin }] of nodes.slice(3).entries())
      await admin.call('CLUSTER', 'REPLICATE', `${masters[i]?.id}`);
    for (const { admin } of nodes)
      await until(async () => `${await admin.call('CLUSTER', 'INFO')}`.includes('cluster_state:ok'));
    for (const { admin } of nodes.slice(3))
      await until(async () => (await admin.info('replication')).includes('master_link_status:up'));
    const hosts = nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    const client = new Cluster(hosts, { redisOptions: { maxRetriesPerRequest: null } });
    client.on('error', () => {});
    started.defer(() => client.disconnect());
    return {
      masters,
      replicas: nodes.slice(3),
      client,
      ownerOf: of,
      async move(key, to) {
        const slot = slotOf(key);
        const from = of(key);
        await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
        await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
        const keys = (await from.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, 1000)) as string[];
        await from.admin.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys);
        return {
          async finish() {
            for (const { admin } of [to, from]) await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
            moved.set(slot, to);
          },
        };
      },
      [Symbol.asyncDispose]: () => started.disposeAsync(),
    };
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

/** How many servers one knows, itself among them. */
async function peersOf({ admin }: ClusterNode): Promise<number> {
  const lines = `${await admin.call('CLUSTER', 'NODES')}`.trim().split('\n');
  return lines.filter((line) => !line.includes('handshake')).length;
}

function until(condition: () => Promise<boolean>): Promise<void> {
  return eventually(
    async () => {
      if (!(await condition())) throw new Error('the cluster is not ready');
    },
    undefined,
    20_000,
  );
}

async function startNode(
  args: readonly string[],
  tls: readonly string[] | undefined,
  started: AsyncDisposableStack,
): Promise<ClusterNode> {
  const ports = await clusterPorts();
  const settings = ['--cluster-enabled', 'yes', ...ports.settings, '--cluster-node-timeout', '1000'];
  const tlsPort = tls && (await freePort());
  const ofTls = tls ? ['--tls-port', `${tlsPort}`, '--tls-cluster', 'yes', ...tls] : [];
  const redis = started.use(await startNative(nativeServer(), [...settings, ...args, ...ofTls], {}, ports.port));
  const admin = new Redis(redis.url, { maxRetriesPerRequest: null });
  admin.on('error', () => {});
  started.defer(() => admin.disconnect());
  return {
    url: redis.url,
    port: Number(new URL(redis.url).port),
    tlsPort,
    id: `${await admin.call('CLUSTER', 'MYID')}`,
    admin,
    stop: async () => {
      admin.disconnect();
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** Without one of its own, which version 7 brought, the port for other servers is 10,000 above. */
async function clusterPorts(): Promise<{ port: number; settings: readonly string[] }> {
  const port = await freePort();
  if (countsEntries(nativeServer())) return { port, settings: ['--cluster-port', `${await freePort()}`] };
  return port + ABOVE <= 65_535 ? { port, settings: [] } : clusterPorts();
}

const ABOVE = 10_000;

async function busPort({ admin, port }: ClusterNode): Promise<string> {
  const [, own] = (await admin.config('GET', 'cluster-port')) as string[];
  return own ?? `${port + ABOVE}`;
}
