/** The key of a queue's event stream. */
export function eventsKey(prefix: string, queue: string): string {
  return `${prefix}:${queue}:events`;
}

/** The key of a queue's settings. */
export function metaKey(prefix: string, queue: string): string {
  return `${prefix}:${queue}:meta`;
}
