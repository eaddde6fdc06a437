/** Every error that an operator can fix: the message says what was found, what is allowed and what to do. */
export abstract class BullbridgeError<Code extends string> extends Error {
  /** Written out, since Lambda reports it as the error's type and a minified class has another. */
  abstract override readonly name: string;
  /** Stable, machine-readable kind of the fault. */
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The meaning of an error code, and its remedy; the error message and docs/errors.md share these words. */
export interface Fault {
  readonly cause: string;
  readonly remedy: string;
  /** The fault can pass by itself, so that another attempt makes sense. */
  readonly passes?: true;
}

/** The message of a fault. @param said what the service answered */
export function explain({ cause, remedy }: Fault, where: string, said?: string): string {
  return `${cause} (${where})${said === undefined ? '' : `: ${said}`}. Nothing is skipped: ${remedy}.`;
}

/** The environment of a function or its payload is not valid. */
export class ConfigError extends BullbridgeError<'CONFIG'> {
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

/** Redis could not be reached, or refused a command. The message names host, user and cause, never the password. */
export class RedisError extends BullbridgeError<RedisErrorCode> {
  override readonly name = 'RedisError';
  /** Whether the fault can pass by itself, so that another attempt makes sense. */
  readonly passes: boolean;

  constructor(code: RedisErrorCode, message: string, { passes = false }: { readonly passes?: boolean } = {}) {
    super(code, message);
    this.passes = passes;
  }
}

export type CheckpointErrorCode = 'TABLE_MISSING' | 'TABLE_DENIED' | 'TABLE_UNAVAILABLE' | 'TABLE_FORMAT';

/** The checkpoint table is missing, denied, does not answer, or has rows of a newer version. */
export class CheckpointError extends BullbridgeError<CheckpointErrorCode> {
  override readonly name = 'CheckpointError';
}

export type BusErrorCode = 'BUS_MISSING' | 'BUS_DENIED' | 'BUS_UNAVAILABLE';

/** The event bus is missing, denies the publisher, or does not accept anything. */
export class BusError extends BullbridgeError<BusErrorCode> {
  override readonly name = 'BusError';
}

/** An entry that the bus refuses could not be parked in the dead-letter queue either. */
export class ParkingError extends BullbridgeError<'PARKING_FAILED'> {
  override readonly name = 'ParkingError';
}

export type PayloadErrorCode = 'PAYLOAD_BUCKET_MISSING' | 'PAYLOAD_DENIED' | 'PAYLOAD_REFUSED' | 'PAYLOAD_UNAVAILABLE';

/** Fields that are too large for the event bus could not be stored in the payload bucket. */
export class PayloadError extends BullbridgeError<PayloadErrorCode> {
  override readonly name = 'PayloadError';
}

export type QueueErrorCode = 'QUEUE_MISSING' | 'QUEUE_DENIED' | 'QUEUE_FAILED';

/** The dead-letter queue is missing, denied or does not answer. */
export class QueueError extends BullbridgeError<QueueErrorCode> {
  override readonly name = 'QueueError';
}
