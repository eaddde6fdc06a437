import { RedisError } from '../../functions/errors.ts';
import type { ForwardSettings } from '../../functions/forward/settings.ts';
import { createVirtualTime, type VirtualTime } from '../virtual-time.ts';
import { type Around, createWorld, type World } from './world.ts';

/** A world whose time passes only while all runs wait: calls take none of it. */
export interface VirtualWorld extends Pick<World, 'admin' | 'bus' | 'run' | 'settings' | 'checkpoint' | 'tableCalls'> {
  readonly time: Pick<VirtualTime, 'elapsed' | 'busy' | 'until'>;
  wait(milliseconds: number): Promise<void>;
  /** Adds events to queue `q`, which wakes a run that listens. */
  add(events: readonly Event[], maxLen?: number): Promise<void>;
}

/** The fields of an event. */
type Event = Readonly<Record<string, string | number>>;

function endedByHandOver(error: Error): void {
  if (!(error instanceof RedisError && error.code === 'REDIS_CLOSED')) throw error;
}

/** @param onPublished is called after each request to the bus */
export async function createVirtualWorld(
  settings: Partial<ForwardSettings>,
  onPublished: () => void = () => {},
): Promise<VirtualWorld> {
  const time = await createVirtualTime();
  const world = await createWorld(settings);
  const begin = world.now().getTime();
  /** The reads that Redis lets wait for an entry. */
  const blocked = new Set<Promise<unknown>>();
  let mayBlock = false;
  let added = 0;

  async function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    await time.wait(milliseconds, signal);
    world.advance(begin + time.elapsed() - world.now().getTime());
  }

  const around: Around = async (call, _, service) => {
    if (!mayBlock) {
      const answer = await time.busy(call);
      if (service === 'bus') onPublished();
      return answer;
    }
    mayBlock = false;
    const answer = call();
    blocked.add(answer);
    return answer.finally(() => blocked.delete(answer));
  };

  return {
    ...world,
    time,
    wait,
    add(events, maxLen = 10_000) {
      const waiting = [...blocked];
      return time.busy(async () => {
        const pipeline = world.admin.pipeline();
        for (const event of events) {
          const id = `${world.now().getTime()}-${added++}`;
          pipeline.xadd(world.key('q'), 'MAXLEN', maxLen, id, ...Object.entries(event).flat());
        }
        await pipeline.exec();
        // Redis answers them after the XADD.
        if (waiting.length > 0) await Promise.race(waiting).catch(endedByHandOver);
      });
    },
    run: (options) => world.run({ around, wait, onListening: () => (mayBlock = true), ...options }),
  };
}
