import { sendDeadLetter } from '../bus/dead-letters.ts';
import type { Container } from '../clients.ts';
import { BullbridgeError } from '../errors.ts';
import type { AnyEntry } from '../event/bus-entry.ts';
import type { Signals } from '../invocation.ts';
import { openDeadLetterQueue, type ReceivedMessage } from './dead-letter-queue.ts';
import { failedAgain, type ReceivedLetter, readLetter } from './message.ts';
import type { Selection } from './payload.ts';
import { createSurvey, type Group, type Sample } from './survey.ts';

/** The report of a run, updated as the run proceeds, so that a failed run is also reported. */
export interface Report {
  redriven: number;
  failed: number;
  left: number;
  /** Only in a dry run. */
  groups: readonly Group[];
  samples: readonly Sample[];
  /** Messages for the log that are not failures. */
  readonly warnings: string[];
}

export function emptyReport(): Report {
  return { redriven: 0, failed: 0, left: 0, groups: [], samples: [], warnings: [] };
}

/**
 * The most events a second, so that enough of the bus is left for forwarding: the lowest quota of a region is 400
 * requests a second.
 */
const RATE = 100;

interface Candidate extends ReceivedMessage {
  readonly parked: ReceivedLetter;
}

/**
 * Sends dead letters to the bus again, each at most once, until the queue has no other message or the run is told to
 * drain.
 *
 * A message is deleted once the bus has accepted its event, or once the queue has accepted a new message with one more
 * failure in its history. All other messages are visible again at the end; after a run that was killed, they stay
 * hidden for 15 minutes.
 * @throws {BullbridgeError} for a fault that an operator must fix; events that the bus has accepted may stay in the
 * queue and come twice
 */
export async function redrive(
  { max = Number.POSITIVE_INFINITY, dryRun = false, ...filter }: Selection,
  { deadLetters, publishAndPark, now, wait }: Pick<Container, 'deadLetters' | 'publishAndPark' | 'now' | 'wait'>,
  signals: Signals,
  report: Report,
): Promise<void> {
  const queue = openDeadLetterQueue(deadLetters.client, deadLetters.queueUrl);
  const seen = new Set<string | undefined>();
  const held = new Map<string, string>();
  const underWay = new Map<AnyEntry, ReceivedLetter>();
  const stays = new Set<AnyEntry>();
  const survey = createSurvey();
  let foreign = 0;
  const started = now().getTime();
  let isThrough = false;

  const publish = publishAndPark(async (sent, refusal, signal) => {
    const letter = failedAgain(underWay.get(sent.original) as ReceivedLetter, refusal, now());
    try {
      // The new message is in the same queue, so this run would receive it.
      seen.add(await sendDeadLetter(deadLetters.client, deadLetters, sent, letter, signal));
    } catch (error) {
      if (!isRefusedMessage(error)) throw error;
      stays.add(sent.original);
    }
  });

  /** The received messages that must be sent; the others stay in the queue. */
  function select(messages: readonly ReceivedMessage[]): Candidate[] {
    const selected: Candidate[] = [];
    for (const message of messages) {
      held.set(message.id, message.handle);
      if (seen.has(message.id)) continue;
      seen.add(message.id);
      const parked = readLetter(message.body);
      if (!parked) foreign += 1;
      const isFull = report.redriven + report.failed + selected.length >= max;
      if (parked && !isFull && matches(parked, filter)) selected.push({ ...message, parked });
      else report.left += 1;
    }
    return selected;
  }

  async function send(candidates: readonly Candidate[]): Promise<void> {
    for (const { parked } of candidates) underWay.set(parked.entry, parked);
    const entries = [...underWay.keys()];
    const settlements = await publish(entries, signals.stop).catch((error: unknown) => {
      if (!signals.stop.aborted || error instanceof BullbridgeError) throw error;
      report.warnings.push('The deadline came before all events were settled; the unsettled ones may come twice.');
    });
    underWay.clear();
    if (!settlements) {
      report.left += candidates.length;
      return;
    }
    const settle = async ({ id, handle, parked }: Candidate, n: number) => {
      if (!stays.has(parked.entry)) {
        await queue.remove(handle);
        held.delete(id);
      }
      report[settlements[n] === 'published' ? 'redriven' : 'failed'] += 1;
    };
    await Promise.all(candidates.map(settle));
  }

  try {
    while (!signals.drain.aborted && report.redriven + report.failed < max) {
      const messages = await queue.receive();
      isThrough = messages.length === 0;
      if (isThrough) break;
      const candidates = select(messages);
      if (dryRun) {
        report.redriven += candidates.length;
        for (const { parked } of candidates) survey.add(parked);
        continue;
      }
      await send(candidates);
      const due = started + ((report.redriven + report.failed) * 1000) / RATE;
      await wait(Math.max(0, due - now().getTime()), signals.drain).catch(() => {});
    }
    // Each event that failed again has a new message. The number of messages that were not received is approximate.
    report.left += report.failed + (isThrough ? 0 : await queue.countVisible());
    report.groups = survey.groups();
    report.samples = survey.samples;
    if (foreign > 0) {
      report.warnings.push(
        `Messages that are not dead letters of the sources "bullmq" and "bullbridge" stay in the dead-letter queue: ${foreign}. Check who may send to it.`,
      );
    }
  } finally {
    await queue.release([...held.values()]).catch((error: Error) => report.warnings.push(error.message));
  }
}

/** Whether SQS refused a message because it is too large or has characters that are not allowed. */
function isRefusedMessage(error: unknown): boolean {
  const { cause } = error as Error;
  return cause instanceof Error && /^InvalidParameterValue|^InvalidMessageContents/.test(cause.name);
}

function matches(
  { queue, letter }: ReceivedLetter,
  filter: Pick<Selection, 'queue' | 'errorCode' | 'olderThan'>,
): boolean {
  return (
    (filter.queue === undefined || filter.queue === queue) &&
    (filter.errorCode === undefined || filter.errorCode === letter.errorCode) &&
    (filter.olderThan === undefined || Date.parse(letter.parkedAt) < filter.olderThan)
  );
}
