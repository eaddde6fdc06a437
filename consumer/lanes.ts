import type { SQSRecord } from './aws-events.ts';
import { type ConsumerInput, type Delivery, messagesOf } from './deliveries.ts';
import type { EventDetail } from './details.ts';
import { queueOf } from './idempotency-key.ts';
import type { QueueEventsOptions } from './options.ts';
import { compareEvents } from './order.ts';

/** An event of a call, or the error of a message that could not be read. An event in several messages is one item. */
export interface Item {
  readonly read: Delivery | Error;
  /** The message group in a FIFO queue; groups of other queues have no order. */
  readonly group: string | undefined;
  /** Ids of its SQS messages; empty for other inputs. */
  readonly messageIds: string[];
}

/** The result of a call. */
export interface Outcome {
  /** Items that failed, and later items of their lanes. */
  readonly unhandled: Item[];
  readonly errors: Error[];
}

/** Reads the events of a call and groups them into lanes: the events of a lane are handled one after the other. */
export function lanesOf(input: ConsumerInput, order: QueueEventsOptions['order']): Item[][] {
  const lanes = new Map<unknown, Item[]>();
  for (const item of itemsOf(input)) {
    const key = laneOf(item, order);
    const lane = lanes.get(key) ?? [];
    lane.push(item);
    lanes.set(key, lane);
  }
  return [...lanes.values()].map((lane) => (lane[0]?.group ? lane : lane.sort(compareItems)));
}

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

/** The key of the lane of an item; an item that need not wait for others has a lane of its own. */
function laneOf(item: Item, order: QueueEventsOptions['order']): unknown {
  const { read, group } = item;
  if (order === 'none') return item;
  if (group) return group;
  if (read instanceof Error || read.source === 'bullbridge') return item;
  return `${queueOf(read.detail)}/${order === 'job' && read.detail.jobId}`;
}

/** Compares the items of a lane; outside FIFO queues, only events of BullMQ share a lane. */
function compareItems({ read: a }: Item, { read: b }: Item): number {
  return compareEvents((a as Delivery).detail as EventDetail, (b as Delivery).detail as EventDetail);
}

/** Handles `concurrency` lanes at once. A lane ends with the first item that fails. */
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
