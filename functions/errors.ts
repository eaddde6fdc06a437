/** Every error that an operator can mend: the message says what was found, what is allowed and what to do. */
export abstract class BullbridgeError extends Error {
  /** Written out, since Lambda reports it as the error's type and a minified class has another. */
  abstract override readonly name: string;
  /** Stable, machine-readable kind of the fault. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The environment of a function, or its payload, is not as the configuration reference says. */
export class ConfigError extends BullbridgeError {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      'CONFIG',
      `${faults.length === 1 ? 'One fault' : `${faults.length} faults`} in the configuration:\n- ${faults.join('\n- ')}`,
    );
    this.faults = faults;
  }
}

export type RedisErrorCode =
  | 'REDIS_REFUSED'
  | 'REDIS_DNS'
  | 'REDIS_TIMEOUT'
  | 'REDIS_CLOSED'
  | 'REDIS_TLS'
  | 'REDIS_AUTH'
  | 'REDIS_PERMISSION'
  | 'REDIS_PROTECTED'
  | 'REDIS_MAX_CLIENTS'
  | 'REDIS_DATABASE'
  | 'REDIS_MOVED'
  | 'REDIS_NOT_CLUSTER'
  | 'REDIS_SENTINEL'
  | 'REDIS_WRONG_TYPE'
  | 'REDIS_NOT_READY'
  | 'REDIS_ENTRY_TOO_LARGE'
  | 'REDIS_FAILED';

/** Redis could not be reached, or refused what was asked; names the host, the user and the cause, never the password. */
export class RedisError extends BullbridgeError {
  override readonly name = 'RedisError';
  declare readonly code: RedisErrorCode;
  /** Whether it can pass by itself, so that it is worth trying again. */
  readonly passes: boolean;

  constructor(code: RedisErrorCode, message: string, { passes = false }: { readonly passes?: boolean } = {}) {
    super(code, message);
    this.passes = passes;
  }
}

/** The checkpoint table is missing, denied, does not answer, or has rows of a newer version. */
export class CheckpointError extends BullbridgeError {
  override readonly name = 'CheckpointError';
}

/** The event bus is missing, denies the publisher, or does not accept anything. */
export class BusError extends BullbridgeError {
  override readonly name = 'BusError';
}

/** An entry that the bus refuses could not be parked in the dead-letter queue either. */
export class ParkingError extends BullbridgeError {
  override readonly name = 'ParkingError';
}

/** What is too large for the event bus could not be stored in the payload bucket. */
export class PayloadError extends BullbridgeError {
  override readonly name = 'PayloadError';
}

/** The dead-letter queue is missing, denied or does not answer. */
export class QueueError extends BullbridgeError {
  override readonly name = 'QueueError';
}
