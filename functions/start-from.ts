/**
 * Where the first run begins to read a queue: at the oldest entry of its stream, or at the first entry that comes after
 * that run began.
 */
export type Place = 'beginning' | 'now';

/** Where the first run begins to read queues. */
export interface StartFrom {
  readonly default: Place;
  /** Exceptions, by the name of the queue. */
  readonly queues: ReadonlyMap<string, Place>;
}

/**
 * Parses a text such as `now,emails=beginning`: a place for all queues, then exceptions for single queues.
 *
 * @returns `undefined` for a text that is not valid, or that names a queue twice
 */
export function parseStartFrom(text: string): StartFrom | undefined {
  const items = text.split(',').map((item) => item.trim());
  const first = isPlace(items[0]) ? (items.shift() as Place) : 'beginning';
  const queues = new Map<string, Place>();
  for (const item of items) {
    const [, queue = '', place] = /^([^:]+)=([^=]+)$/.exec(item) ?? [];
    if (!isPlace(place) || queues.has(queue)) return undefined;
    queues.set(queue, place);
  }
  return { default: first, queues };
}

export function placeOf(startFrom: StartFrom, queue: string): Place {
  return startFrom.queues.get(queue) ?? startFrom.default;
}

function isPlace(text: string | undefined): text is Place {
  return text === 'beginning' || text === 'now';
}
