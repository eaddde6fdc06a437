import type { Redis } from 'ioredis';
import type { RedisConnection } from '../../functions/redis/port.ts';
import { firstPosition } from '../../functions/stream/first-position.ts';
import { type Page, type Position, positionAfter } from '../../functions/stream/position.ts';
import { readPages } from '../../functions/stream/read.ts';
import { readStates, type State } from '../../functions/stream/states.ts';
import { adminRedis, ownPrefix, runConnection } from '../redis.ts';

/** A stream that no other test has, its entries numbered in the field `n`. */
export interface Stream {
  readonly admin: Redis;
  readonly connection: RedisConnection;
  readonly prefix: string;
  readonly key: string;
}

export async function ownStream(): Promise<Stream> {
  return streamOn(adminRedis(), await runConnection());
}

/** Another stream over connections that are open already. */
export function streamOn(admin: Redis, connection: RedisConnection): Stream {
  const prefix = ownPrefix();
  return { admin, connection, prefix, key: `${prefix}:q:events` };
}

export interface ReadFrom {
  readonly count?: number;
  readonly anchors?: readonly Position[];
  /** Where the stream begins that was not read before. @default 'beginning' */
  readonly place?: 'beginning' | 'now';
  readonly recount?: boolean;
  readonly isDoubtful?: boolean;
}

/** Reads a page as a run does. */
export async function read(
  { connection, prefix }: Pick<Stream, 'connection' | 'prefix'>,
  position: Position | undefined,
  { count = 1000, anchors = [], place = 'beginning', recount = false, isDoubtful }: ReadFrom = {},
): Promise<Page> {
  const begins = async () => firstPosition((await readStates(connection, ['q'], prefix)).get('q') as State, place);
  const cursor = { queue: 'q', position: position ?? (await begins()), anchors, isDoubtful };
  const [result] = await readPages(connection, [{ cursor, count, recount }], { prefix });
  if (!result || 'error' in result) throw result?.error;
  return result.page;
}

/** Where reading goes on behind a page. */
export const end = (page: Page) => positionAfter(page, page.entries.length);
/** The numbers of a page's entries. */
export const numbers = (page: Page) => page.entries.map(({ fields }) => Number(fields[1]));

export async function add({ admin, key }: Stream, from: number, count: number): Promise<void> {
  const pipeline = admin.pipeline();
  for (let n = from; n < from + count; n += 1) pipeline.xadd(key, '*', 'n', n);
  await pipeline.exec();
}
