import type { Redis } from 'ioredis';
import type { LocalStack } from '../../local/stack.ts';
import type { EventKey } from './jobs.ts';
import type { Workload } from './workload.ts';

/** A way to learn of jobs that ended, as a service would use it. */
export interface Way extends AsyncDisposable {
  /** Begins to listen, also again after {@link stop}; resolves when its own interface says that it is ready. */
  start(): Promise<void>;
  /** Resolves when it has heard all that it ever will of what happened so far. */
  settle(): Promise<void>;
  /** One turn of what it does on a schedule of its own, beside listening. */
  sync?(): Promise<void>;
  /** Its process goes away with all that was in memory. */
  stop(): Promise<void>;
  /** What became of each entry of the stream, where the way keeps account. */
  account?(): Account;
  /** What it said beside the events, in words. */
  remarks(): string[];
}

/** Entries of a stream, of all kinds. */
export interface Account {
  /** Delivered, left out by configuration, parked, or counted as lost. */
  readonly entries: number;
  readonly lost: number;
}

/** What a way may use. */
export interface World {
  readonly redisUrl: string;
  /** Key prefix, with one queue and nothing else under it. */
  readonly prefix: string;
  /** May do everything. */
  readonly admin: Redis;
  readonly workload: Workload;
  /** What `cdk deploy` makes, on this machine. */
  readonly startStack: (environment: Readonly<Record<string, string>>) => Promise<LocalStack>;
}

/** Told each event that reaches the user of a way, as often as it does, and whether it says itself that it may come again. */
export type Hear = (key: EventKey, isMarked?: boolean) => void;

/** Sets a way up without starting it. */
export type CreateWay = (world: World, hear: Hear) => Promise<Way>;
