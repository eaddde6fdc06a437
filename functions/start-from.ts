/**
 * Where the first run begins to read a queue: at the oldest entry of its stream, or at the first entry that comes after
 * that run began.
 */
export type StartPoint = 'beginning' | 'now';

/** Where the first run begins to read queues. */
export interface StartFrom {
  readonly default: StartPoint;
  /** Exceptions, by the name of the queue. */
  readonly queues: ReadonlyMap<string, StartPoint>;
}

/**
 * Parses a text such as `now,emails=beginning`: a start point for all queues, then exceptions for single queues.
 *
 * @returns `undefined` for a text that is not valid, or that names a queue twice
 */
export function parseStartFrom(text: string): StartFrom | undefined {
  const items = text.split(',').map((item) => item.trim());
  const first = isStartPoint(items[0]) ? (items.shift() as StartPoint) : 'beginning';
  const queues = new Map<string, StartPoint>();
  for (const item of items) {
    const [, queue = '', point] = /^([^:]+)=([^=]+)$/.exec(item) ?? [];
    if (!isStartPoint(point) || queues.has(queue)) return undefined;
    queues.set(queue, point);
  }
  return { default: first, queues };
}

export function startPointOf(startFrom: StartFrom, queue: string): StartPoint {
  return startFrom.queues.get(queue) ?? startFrom.default;
}

function isStartPoint(text: string | undefined): text is StartPoint {
  return text === 'beginning' || text === 'now';
}
