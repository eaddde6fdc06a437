import { BusError } from '../errors.ts';

export function busMissing(busName: string): BusError {
  return new BusError(
    'BUS_MISSING',
    `There is no event bus "${busName}"; create it, or set EVENT_BUS_NAME to one that exists.`,
  );
}

export function busDenied(code: string, message: string): BusError {
  return new BusError(
    'BUS_DENIED',
    `The event bus does not let bullbridge publish: ${code}: ${message}. Nothing is skipped: grant events:PutEvents on the bus ` +
      '(and on its resource policy across accounts), and the next run goes on here.',
  );
}

export function busUnavailable(reason: string): BusError {
  return new BusError(
    'BUS_UNAVAILABLE',
    `The event bus does not answer (${reason}). Nothing is skipped: the next run tries again.`,
  );
}
