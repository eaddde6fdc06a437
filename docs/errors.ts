import { BUS_FAULTS } from '../functions/bus/bus-error.ts';
import { PARKING_FAULT } from '../functions/bus/dead-letters.ts';
import { PAYLOAD_FAULTS } from '../functions/bus/oversize/claim-check.ts';
import type { REFUSED } from '../functions/bus/verdict-codes.ts';
import { TABLE_FAULTS } from '../functions/checkpoint/table-error.ts';
import type { Fault } from '../functions/errors.ts';
import { KINDS, OTHERS } from '../functions/redis/error.ts';
import { QUEUE_FAULTS } from '../functions/redrive/dead-letter-queue.ts';

/** A fault of an error that the functions throw, in the words of its message. */
interface ErrorFact extends Fault {
  readonly error: string;
  readonly code: string;
}

/** Every fault, those of one code in a row. */
export const ERRORS: readonly ErrorFact[] = [
  ...factsOf('ConfigError', {
    CONFIG: {
      cause: 'a variable, the secret or the payload of the invocation is not as it must be',
      remedy: 'the message lists all faults: for each, what was given and what is allowed',
    },
  }),
  ...Map.groupBy([...KINDS, ...Object.values(OTHERS)], ({ code }) => code)
    .values()
    .flatMap((faults) => faults.map((fault) => ({ error: 'RedisError', ...fault }))),
  ...factsOf('BusError', BUS_FAULTS),
  ...factsOf('CheckpointError', TABLE_FAULTS),
  ...factsOf('PayloadError', PAYLOAD_FAULTS),
  ...factsOf('ParkingError', { PARKING_FAILED: PARKING_FAULT }),
  ...factsOf('QueueError', QUEUE_FAULTS),
];

function factsOf(error: string, faults: Readonly<Record<string, Fault>>): ErrorFact[] {
  return Object.entries(faults).map(([code, fault]) => ({ error, code, ...fault }));
}

const LOOK = 'look at `errorMessage`, which names the part';

/** The codes for which the bus refuses a bus entry at once. No bundle needs their meaning. */
export const REFUSALS: Readonly<Record<(typeof REFUSED)[number], Fault>> = {
  InvalidArgument: { cause: 'a part of the bus entry is not valid', remedy: LOOK },
  MalformedDetail: { cause: 'the detail is not JSON that EventBridge accepts', remedy: LOOK },
  RedactionFailure: { cause: 'EventBridge could not redact the entry for CloudTrail', remedy: 'send it again' },
  RequestEntityTooLargeException: {
    cause: 'the bus entry alone is too large for a request',
    remedy: 'keep events smaller: `omit`, fewer `jobFields`, smaller job data',
  },
  ValidationError: { cause: 'the bus entry breaks a rule of PutEvents', remedy: LOOK },
  SerializationException: { cause: 'EventBridge cannot read the request', remedy: LOOK },
  ValidationException: { cause: 'the bus entry breaks a rule of PutEvents', remedy: LOOK },
};
