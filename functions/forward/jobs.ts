import { eventName, jobIdOf } from '../event/decode.ts';
import type { DetailSettings } from '../event/detail-settings.ts';
import { type JobPart, jobPart } from '../event/job.ts';
import { type JobSelection, selectionFor } from '../event/job-fields.ts';
import type { RedisConnection } from '../redis/port.ts';
import type { Entry } from '../stream/entry.ts';
import { readJobHashes } from '../stream/job-hashes.ts';
import { createPortions } from '../stream/portions.ts';
import { type Sweep, takeSweep } from './sweep.ts';

/** Bytes of jobs' values that a sweep may have; the last job alone, or those read with it, can bring more. */
const JOB_BYTES = 4 * 1024 * 1024;

/** A sweep with the jobs of its events. */
export interface LoadedSweep {
  readonly sweep: Sweep;
  /** What comes behind it, and was not loaded: its jobs have too much, or it is time to end. */
  readonly rest: Sweep;
  /** What an entry tells of its job. */
  readonly jobOf: (entry: Entry) => JobPart | undefined;
}

export interface JobLoaderOptions extends DetailSettings {
  readonly prefix: string;
  readonly passes: (event: string | undefined) => boolean;
}

interface Job {
  readonly queueKey: string;
  readonly id: Buffer;
  /** Its events, by what they tell of it. */
  readonly events: Map<JobSelection, Entry[]>;
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

  /** In the order of their first events. */
  function jobsOf(sweep: Sweep): Job[] {
    const jobs = new Map<string, Job>();
    let index = 0;
    for (const { queue, entries } of sweep) {
      for (const entry of entries) {
        const first = index++;
        const event = eventName(entry.fields);
        const id = passes(event) ? jobIdOf(entry.fields) : undefined;
        const selection = id && selectionFor(fields, event);
        if (!selection) continue;
        // A queue's name has no colon; an id is taken byte by byte, since it need not be UTF-8.
        const name = `${queue}:${id.toString('latin1')}`;
        const job = jobs.get(name) ?? { queueKey: `${prefix}:${queue}`, id, events: new Map(), first };
        jobs.set(name, job);
        const alike = job.events.get(selection);
        if (alike) alike.push(entry);
        else job.events.set(selection, [entry]);
      }
    }
    return [...jobs.values()];
  }

  return async (sweep, signal) => {
    const jobs = jobsOf(sweep);
    const parts = new Map<Entry, JobPart>();
    let bytes = 0;
    let done = 0;
    while (done < jobs.length && bytes < JOB_BYTES && (done === 0 || !signal.aborted)) {
      const { hashes, count } = await portions.read(jobs.length - done, (most, limit) =>
        readJobHashes(redis, jobs.slice(done, done + most).map(toRequest), limit),
      );
      for (const [i, hash] of hashes.entries()) {
        for (const [selection, entries] of jobs[done + i]?.events ?? []) {
          const part = jobPart(hash, selection, { maxBytes, omit });
          bytes += part.bytes;
          for (const entry of entries) parts.set(entry, part);
        }
      }
      done += count;
    }
    const entries = jobs[done]?.first ?? Number.POSITIVE_INFINITY;
    return { ...takeSweep(sweep, { entries, bytes: Number.POSITIVE_INFINITY }), jobOf: (entry) => parts.get(entry) };
  };
}

function toRequest({ queueKey, id, events }: Job) {
  return { queueKey, id, fields: [...new Set([...events.keys()].flatMap(({ hashFields }) => hashFields))] };
}
