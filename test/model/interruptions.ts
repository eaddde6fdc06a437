import { RedisError } from '../../functions/errors.ts';
import type { Around, Service } from '../forward/world.ts';

/** Named like a refusal, so that nothing waits for it to pass: a dead process tries nothing again. */
class Crash extends Error {
  override readonly name = 'AccessDeniedException';
}

/** Ends a run at its n-th call: no call after it has any effect. */
export function crashAt(nth: number, after: boolean): Around {
  let calls = 0;
  let dead = false;
  return async (effect) => {
    if (dead) throw new Crash();
    calls += 1;
    const dies = calls === nth + 1;
    if (dies && !after) dead = true;
    if (dead) throw new Crash();
    const result = await effect();
    if (dies) dead = true;
    if (dead) throw new Crash();
    return result;
  };
}

/** Holds a run back at its n-th call until it is let go. */
export function holdAt(nth: number) {
  let calls = 0;
  const reached = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const around: Around = async (effect) => {
    calls += 1;
    if (calls > nth) {
      reached.resolve();
      await letGo.promise;
    }
    return effect();
  };
  return { around, reached: reached.promise, letGo: letGo.resolve };
}

/** A service that is away for some calls in the middle of a run. */
export interface Outage {
  readonly service: Service;
  /** How many calls of it are answered first. */
  readonly call: number;
  readonly calls: number;
  /** Whether the calls take effect, and only their answers are lost. */
  readonly after: boolean;
}

/** Lets a service be away. */
export function outage({ service, call, calls, after }: Outage): Around {
  let number = 0;
  return async (effect, _row, called) => {
    if (called !== service) return effect();
    number += 1;
    if (number <= call || number > call + calls) return effect();
    if (after) await effect();
    // To Redis it is a connection that was closed, to the clients of AWS an answer of a server that is not available.
    const closed = new RedisError('REDIS_CLOSED', 'planned', { passes: true });
    throw Object.assign(closed, { $metadata: { httpStatusCode: 503 } });
  };
}
