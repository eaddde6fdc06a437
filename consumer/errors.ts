/** A message is not an event for this consumer. The message of the error names the fault and the remedy. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
}

/** A listener failed, or its payload could not be read; `cause` is the original error. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  /** `detail.id` of the event. */
  declare readonly id: string;
  declare readonly queue: string;
  declare readonly jobId: string | undefined;

  constructor(id: string, queue: string, jobId: string | undefined, cause: unknown) {
    super(`The event ${id} was not handled: ${cause}`, { cause });
    Object.assign(this, { id, queue, jobId });
  }
}
