import type { Fault } from '../../local/bus/faults.ts';
import type { World } from '../forward/world.ts';
import { POISON } from './history.ts';

export type FaultKind = 'none' | 'throttle' | 'fail' | 'lost response' | 'short' | 'unavailable';

/** Plays the faults one request after the other; poisoned entries are refused whatever else happens. */
export function play(world: World, kinds: readonly FaultKind[]): void {
  const left = [...kinds];
  world.bus.faults.putEvents = ({ entries }): Fault | undefined => {
    const poisoned = entries.flatMap((entry, i) =>
      JSON.parse(entry.Detail).event === POISON ? [[i, 'InvalidArgument'] as const] : [],
    );
    const refused = Object.fromEntries(poisoned);
    const kind = left.shift() ?? 'none';
    if (kind === 'unavailable') return { kind: 'error', status: 500, code: 'InternalException' };
    if (kind === 'lost response' && poisoned.length === 0) return { kind: 'reset-after-accept' };
    if (kind === 'short' && poisoned.length === 0) return { kind: 'short' };
    const failing: Record<number, string> =
      kind === 'throttle' ? { 2: 'ThrottlingException' } : kind === 'fail' ? { 0: 'InternalFailure' } : {};
    const codes = { ...failing, ...refused };
    return Object.keys(codes).length > 0 ? { kind: 'entries', codes } : undefined;
  };
}
