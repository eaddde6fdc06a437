import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import type { Loss } from '../../functions/stream/position.ts';
import type { World } from './world.ts';

/** Adds `count` events, the first of them of job `from`. */
export async function add(admin: Redis, world: World, from: number, count: number): Promise<void> {
  const pipeline = admin.pipeline();
  for (let n = from; n < from + count; n += 1)
    pipeline.xadd(world.key('q'), '*', 'event', 'completed', 'jobId', n, 'returnvalue', 'null');
  await pipeline.exec();
}

/** The numbers from `first` to `last`. */
export const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** The jobs whose events arrived, each as often as it came. */
export const arrived = ({ bus }: World) =>
  bus.accepted
    .flatMap(({ Source, detail }) => (Source === 'bullmq' ? Number(detail['jobId']) : []))
    .sort((a, b) => a - b);
/** What was told of incidents. */
export const news = ({ bus }: World) =>
  bus.accepted.filter(({ Source }) => Source === 'bullbridge').map(({ detail }) => detail);

/** Holds the only incident so far against what it should be, on the bus and in the ledger. */
export async function expectIncident(world: World, incident: Partial<Loss>): Promise<void> {
  expect(news(world)).toMatchObject([incident]);
  expect(await world.gaps()).toMatchObject([{ ...incident, revision: 1 }]);
}

/** Holds that there was no incident so far, neither on the bus nor in the ledger. */
export async function expectNone(world: World): Promise<void> {
  expect(news(world)).toEqual([]);
  expect(await world.gaps()).toEqual([]);
}
