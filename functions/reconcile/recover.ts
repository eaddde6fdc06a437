import type { Publish } from '../bus/publish.ts';
import type { DetailSettings } from '../event/detail-settings.ts';
import { type Origin, recoveredEntry } from '../event/envelope.ts';
import { jobPart } from '../event/job.ts';
import { selectionFor } from '../event/job-fields.ts';
import type { Signals } from '../invocation.ts';
import type { RedisConnection } from '../redis/port.ts';
import { createPortions } from '../stream/portions.ts';
import { eventFields, readJobs } from './finished-jobs.ts';
import { type Member, membersAfter } from './members.ts';
import { OUTCOMES, type Outcome, type Place } from './place.ts';
import type { RemainingEvents } from './remaining-events.ts';
import type { Window } from './window.ts';

/** Members of a set that are read at once; also the most jobs that are published together. */
const PAGE = 500;

/** The numbers of recovered events. */
export type RecoveredCounts = { readonly [Name in Outcome]: number };

export interface Scan {
  readonly redis: RedisConnection;
  readonly publish: Publish;
  readonly origin: Origin;
  /** The outcomes whose events are forwarded. */
  readonly outcomes: readonly Outcome[];
  readonly window: Window;
  /** @default all fields of the event, no fields of the job */
  readonly details?: DetailSettings | undefined;
  /** Where an earlier run stopped; absent at the beginning. */
  readonly start: Place | undefined;
  /** @default events that are still in the stream are also published */
  readonly remaining?: RemainingEvents;
  /** Called after each page with the place up to which all is settled. @returns whether to continue */
  readonly onSettled: (place: Place, counts: RecoveredCounts) => Promise<boolean>;
}

/**
 * Publishes the last event of each job that finished within a window and is still in Redis.
 *
 * Parked events also count: they are in the dead-letter queue and can be sent again.
 * @returns `true` if all jobs were covered; `false` if the drain signal or `onSettled` ended the scan after a page
 * @throws {BullbridgeError} for a fault that an operator must fix; the reason of the stop signal once it is aborted
 */
export async function recover(scan: Scan, signals: Signals): Promise<boolean> {
  const { redis, origin, outcomes, window, start, remaining, details = {} } = scan;
  const queueKey = `${origin.prefix}:${origin.queue}`;
  const portions = createPortions();

  /** Settles as many of the first members as memory allows, and returns their number. */
  async function settle(outcome: Outcome, members: readonly Member[], lost: ReadonlySet<Member>) {
    const { jobs: settings, omit } = details;
    const selection = settings && selectionFor(settings.fields, outcome);
    const { jobs, count } = await portions.read(members.length, (most, maxBytes) =>
      readJobs(
        redis,
        queueKey,
        outcome,
        members.slice(0, most).filter((member) => lost.has(member)),
        selection?.hashFields ?? [],
        maxBytes,
      ),
    );
    const entries = jobs.map((job) =>
      recoveredEntry(origin, eventFields(job), job.finishedOn, window.isDoubtful(job.finishedOn), {
        omit,
        job: selection && jobPart(job.hash, selection, { maxBytes: settings.maxBytes, omit }),
      }),
    );
    await scan.publish(entries, signals.stop);
    const { id: member, score } = members[count - 1] as Member;
    const goesOn = await scan.onSettled(
      { outcome, score, member },
      { completed: 0, failed: 0, [outcome]: jobs.length },
    );
    return { count, goesOn: goesOn && !signals.drain.aborted };
  }

  for (const outcome of outcomesFrom(outcomes, start)) {
    let place: Place = start?.outcome === outcome ? start : { outcome, score: window.from };
    for (;;) {
      const members = await membersAfter(redis, `${queueKey}:${outcome}`, place, window.to, PAGE);
      const last = members.at(-1);
      if (!last) break;
      const lost = new Set(remaining ? await remaining.without(outcome, members) : members);
      for (let settled = 0; settled < members.length; ) {
        const { count, goesOn } = await settle(outcome, members.slice(settled), lost);
        if (!goesOn) return false;
        settled += count;
      }
      place = { outcome, score: last.score, member: last.id };
    }
  }
  return true;
}

/** The remaining outcomes. */
function outcomesFrom(outcomes: readonly Outcome[], start: Place | undefined): readonly Outcome[] {
  return start ? outcomes.filter((outcome) => OUTCOMES.indexOf(outcome) >= OUTCOMES.indexOf(start.outcome)) : outcomes;
}
