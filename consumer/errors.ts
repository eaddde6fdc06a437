/** A message is not an event that this consumer takes; says what came, what is allowed and what to do. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
}

/** A listener failed, or the payload that it needs could not be read; `cause` is its error. */
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
