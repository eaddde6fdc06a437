import type { StreamReader } from '../stream/reader.ts';
import type { Arrivals } from './arrivals.ts';
import { queuesOutrunning } from './forecast.ts';
import type { KeptBy } from './kept.ts';
import type { Listener } from './listen.ts';
import type { ForwardSettings } from './settings.ts';

/** How a run goes on once it has caught up. */
export interface Tail {
  /** Whether it listens; `false` before it has caught up first. */
  listens(): boolean;
  /** Waits until a queue is due again. @returns whether one may be */
  waitForMore(signal: AbortSignal): Promise<boolean>;
}

export interface TailOptions {
  readonly settings: ForwardSettings;
  readonly now: () => Date;
  readonly reader: StreamReader;
  readonly arrivals: Arrivals;
  readonly keptBy: KeptBy;
  readonly listener: Listener;
  readonly warn: (message: string) => void;
}

/** Makes the tail of a run, which decides once whether it listens. */
export function createTail({ settings, now, reader, arrivals, keptBy, listener, warn }: TailOptions): Tail {
  const { tail, interval } = settings;
  let listens: boolean | undefined;

  async function isNeeded(): Promise<boolean> {
    if (tail !== 'auto') return tail === 'always';
    const cursors = [...reader.idle(), ...reader.due()];
    try {
      const forecast = { cursors, arrivals: arrivals.all(), interval, now: now() };
      return (await queuesOutrunning(keptBy, forecast)).length > 0;
    } catch (error) {
      // It listens where Redis does not say what streams keep.
      warn((error as Error).message);
      return true;
    }
  }

  return {
    listens: () => listens === true,
    async waitForMore(signal) {
      if (signal.aborted || reader.idle().length === 0) return false;
      listens ??= await isNeeded();
      const rung = listens ? await listener.wait(reader.idle(), signal) : undefined;
      if (rung) reader.ring(rung);
      return rung !== undefined;
    },
  };
}
