import { BusError, type BusErrorCode, explain, type Fault } from '../errors.ts';

export const BUS_FAULTS: Readonly<Record<BusErrorCode, Fault>> = {
  BUS_MISSING: {
    cause: 'There is no event bus',
    remedy: 'create it, or set EVENT_BUS_NAME to one that exists',
  },
  BUS_DENIED: {
    cause: 'The event bus does not let bullbridge publish',
    remedy: 'grant events:PutEvents on the bus (and in its resource policy across accounts)',
  },
  BUS_UNAVAILABLE: {
    cause: 'The event bus does not answer',
    remedy: 'the next run tries again',
    passes: true,
  },
};

/** @param said what the bus answered */
export function busError(code: BusErrorCode, busName: string, said?: string): BusError {
  return new BusError(code, explain(BUS_FAULTS[code], `"${busName}"`, said));
}
