import type { SQSRecord } from './aws-events.ts';
import { type ConsumerInput, type Delivery, messagesOf } from './deliveries.ts';
import type { EventDetail } from './details.ts';
import { queueOf } from './idempotency-key.ts';
import type { QueueEventsOptions } from './options.ts';
import { compareEvents } from './order.ts';

/** What came: an event, however often it came in one call, or the reason why a message is none. */
export interface Item {
  readonly read: Delivery | Error;
  /** The message group of a FIFO queue, which keeps its order; any other queue only shares itself out by groups. */
  readonly group: string | undefined;
  /** Of the messages that it came in; empty where it did not come from SQS. */
  readonly messageIds: string[];
}

/** What became of the items of a call. */
export interface Outcome {
  /** Those that failed, and those that waited for them. */
  readonly unhandled: Item[];
  readonly errors: Error[];
}

/** Reads what came, and puts the events that wait for each other into one lane each, the earlier ones first. */
export function lanesOf(input: ConsumerInput, order: QueueEventsOptions['order']): Item[][] {
  const lanes = new Map<unknown, Item[]>();
  for (const item of itemsOf(input)) {
    const key = laneOf(item, order);
    lanes.set(key, [...(lanes.get(key) ?? []), item]);
  }
  return [...lanes.values()].map((lane) => (lane[0]?.group ? lane : lane.sort(compareItems)));
}

/** An event that came twice is one item. */
function itemsOf(input: ConsumerInput): Iterable<Item> {
  const items = new Map<unknown, Item>();
  for (const { read: readMessage, record } of messagesOf(input)) {
    const read = attempt(readMessage);
    const key = read instanceof Error ? read : read.detail.id;
    const item = items.get(key) ?? { read, group: groupOf(record), messageIds: [] };
    if (record) item.messageIds.push(record.messageId);
    items.set(key, item);
  }
  return items.values();
}

function attempt(read: () => Delivery): Delivery | Error {
  try {
    return read();
  } catch (error) {
    return error as Error;
  }
}

function groupOf(record: SQSRecord | undefined): string | undefined {
  return record?.eventSourceARN?.endsWith('.fifo') ? record.attributes?.MessageGroupId : undefined;
}

/** What items of one lane have in common; an item that waits for no other is a lane of its own. */
function laneOf(item: Item, order: QueueEventsOptions['order']): unknown {
  const { read, group } = item;
  if (order === 'none' || (read instanceof Error && !group)) return item;
  if (group) return group;
  const detail = (read as Delivery).detail as EventDetail;
  return `${queueOf(detail)}/${order === 'job' && detail.jobId}`;
}

/** Only events that could be read share a lane that has no order yet. */
function compareItems({ read: a }: Item, { read: b }: Item): number {
  return compareEvents((a as Delivery).detail as EventDetail, (b as Delivery).detail as EventDetail);
}

/** Handles the items of each lane one after the other, until one fails, and so many lanes at once. */
export async function runLanes(
  lanes: readonly (readonly Item[])[],
  concurrency: number,
  handle: (item: Item) => Promise<void>,
): Promise<Outcome> {
  const outcome: Outcome = { unhandled: [], errors: [] };
  const waiting = lanes.values();
  const run = async () => {
    for (const lane of waiting) {
      for (const [i, item] of lane.entries()) {
        try {
          await handle(item);
        } catch (error) {
          outcome.errors.push(error as Error);
          outcome.unhandled.push(...lane.slice(i));
          break;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, lanes.length) }, run));
  return outcome;
}
