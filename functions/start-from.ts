/** Where a queue seen first begins: at the oldest entry still in its stream, or at what came since bullbridge first ran. */
export type Place = 'beginning' | 'now';

/** Where queues seen first begin. */
export interface StartFrom {
  readonly default: Place;
  /** Those of single queues, by name. */
  readonly queues: ReadonlyMap<string, Place>;
}

/**
 * Reads where queues begin from a text such as `now,emails=beginning`: one place for all, then those of single queues.
 *
 * @returns `undefined` for a text that is not like that, or that names a queue twice
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
