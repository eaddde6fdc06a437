import type { StreamReader } from '../stream/reader.ts';
import type { Arrivals } from './arrivals.ts';
import { queuesOutrunning } from './forecast.ts';
import type { Listener } from './listen.ts';
import type { ForwardSettings } from './settings.ts';
import type { CapacitiesOf } from './stream-capacity.ts';

/** The part of a run after it has caught up for the first time. */
export interface Tail {
  /** Whether the run listens; `false` before it has caught up. */
  listens(): boolean;
  /** Waits until a queue may be due again. @returns `false` if the run must not wait */
  waitForMore(signal: AbortSignal): Promise<boolean>;
}

export interface TailOptions {
  readonly settings: ForwardSettings;
  readonly now: () => Date;
  readonly reader: StreamReader;
  readonly arrivals: Arrivals;
  readonly capacitiesOf: CapacitiesOf;
  readonly listener: Listener;
  readonly warn: (message: string) => void;
}

/** Creates the tail of a run; it decides once whether the run listens. */
export function createTail({ settings, now, reader, arrivals, capacitiesOf, listener, warn }: TailOptions): Tail {
  const { tail, interval } = settings;
  let listens: boolean | undefined;

  async function isNeeded(): Promise<boolean> {
    if (tail !== 'auto') return tail === 'always';
    const cursors = [...reader.idle(), ...reader.due()];
    try {
      const forecast = { cursors, arrivals: arrivals.all(), interval, now: now() };
      return (await queuesOutrunning(capacitiesOf, forecast)).length > 0;
    } catch (error) {
      // Without the capacity of streams, the run listens, to be safe.
      warn((error as Error).message);
      return true;
    }
  }

  return {
    listens: () => listens === true,
    async waitForMore(signal) {
      if (signal.aborted || reader.idle().length === 0) return false;
      listens ??= await isNeeded();
      const queues = listens ? await listener.wait(reader.idle(), signal) : undefined;
      if (queues) reader.makeDue(queues);
      return queues !== undefined;
    },
  };
}
