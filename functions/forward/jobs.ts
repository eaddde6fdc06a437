import { eventName, jobIdOf } from '../event/decode.ts';
import type { DetailSettings } from '../event/detail-settings.ts';
import { type JobPart, jobPart } from '../event/job.ts';
import { type JobSelection, selectionFor } from '../event/job-fields.ts';
import type { RedisConnection } from '../stream/connection.ts';
import { readJobHashes } from '../stream/job-hashes.ts';
import { createPortions } from '../stream/portions.ts';
import type { Entry } from '../stream/position.ts';
import { type Sweep, takeSweep } from './sweep.ts';

/** Bytes of jobs' values that a sweep may have; the last job alone, or those read with it, can bring more. */
const JOB_BYTES = 4 * 1024 * 1024;

/** A sweep with the jobs of its events. */
export interface LoadedSweep {
  readonly sweep: Sweep;
  /** What comes behind it, and was not loaded: its jobs have too much, or it is time to end. */
  readonly rest: Sweep;
  /** What an entry that passes the filter tells of its job. */
  readonly jobOf: (queue: string, entry: Entry) => JobPart | undefined;
}

export interface JobLoaderOptions extends DetailSettings {
  readonly prefix: string;
  readonly passes: (event: string | undefined) => boolean;
}

interface Job {
  readonly queueKey: string;
  readonly id: Buffer;
  /** What its events tell of it. */
  readonly selections: Set<JobSelection>;
  /** Where its first event is in the sweep. */
  readonly first: number;
}

/**
 * Makes what reads the jobs of a sweep's events, each once, in one pipeline unless they are large.
 *
 * Of what was read, only what the events tell is kept. It runs where streams are read, not beside that: a reply that is too large
 * ends the connection, and all that is under way on it.
 */
export function createJobLoader(
  redis: RedisConnection,
  { jobs: told, omit, prefix, passes }: JobLoaderOptions,
): (sweep: Sweep, signal: AbortSignal) => Promise<LoadedSweep> {
  if (!told) return async (sweep) => ({ sweep, rest: [], jobOf: () => undefined });
  const { fields, maxBytes } = told;
  const portions = createPortions();

  function jobsOf(sweep: Sweep): Map<string, Job> {
    const jobs = new Map<string, Job>();
    let index = 0;
    for (const { queue, entries } of sweep) {
      for (const entry of entries) {
        const first = index++;
        const event = eventName(entry.fields);
        const id = passes(event) ? jobIdOf(entry.fields) : undefined;
        const selection = id && selectionFor(fields, event);
        if (!selection) continue;
        const name = nameOf(queue, id);
        const job = jobs.get(name) ?? { queueKey: `${prefix}:${queue}`, id, selections: new Set(), first };
        jobs.set(name, job);
        job.selections.add(selection);
      }
    }
    return jobs;
  }

  return async (sweep, signal) => {
    const jobs = [...jobsOf(sweep)];
    const parts = new Map<string, Map<JobSelection, JobPart>>();
    let bytes = 0;
    let done = 0;
    while (done < jobs.length && bytes < JOB_BYTES && (done === 0 || !signal.aborted)) {
      const { hashes, count } = await portions.read(jobs.length - done, (most, limit) =>
        readJobHashes(redis, jobs.slice(done, done + most).map(toRequest), limit),
      );
      for (const [i, hash] of hashes.entries()) {
        const [name, { selections }] = jobs[done + i] as [string, Job];
        const own = new Map([...selections].map((one) => [one, jobPart(hash, one, { maxBytes, omit })]));
        for (const part of own.values()) bytes += part.bytes;
        parts.set(name, own);
      }
      done += count;
    }
    const entries = jobs[done]?.[1].first ?? Number.POSITIVE_INFINITY;
    return {
      ...takeSweep(sweep, { entries, bytes: Number.POSITIVE_INFINITY }),
      jobOf(queue, entry) {
        const id = jobIdOf(entry.fields);
        const own = id && parts.get(nameOf(queue, id));
        const selection = own && selectionFor(fields, eventName(entry.fields));
        return selection && own.get(selection);
      },
    };
  };
}

/** A queue's name has no colon; a job's id is taken byte by byte, since it need not be UTF-8. */
function nameOf(queue: string, id: Buffer): string {
  return `${queue}:${id.toString('latin1')}`;
}

function toRequest([, { queueKey, id, selections }]: readonly [string, Job]) {
  return { queueKey, id, fields: [...new Set([...selections].flatMap(({ hashFields }) => hashFields))] };
}
