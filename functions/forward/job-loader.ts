import { eventName, jobIdOf } from '../event/decode.ts';
import type { DetailSettings } from '../event/detail-settings.ts';
import { type JobPart, jobPart } from '../event/job.ts';
import { type JobSelection, selectionFor } from '../event/job-fields.ts';
import type { RedisConnection } from '../redis/port.ts';
import type { Entry } from '../stream/entry.ts';
import { readJobHashes } from '../stream/job-hashes.ts';
import { createPortions } from '../stream/portions.ts';
import { type Sweep, takeSweep } from './sweep.ts';

/**
 * Bytes of job values in a sweep; the last jobs that are read together may exceed it. They become texts twice, in the
 * detail and in the request, while the next sweep is read: with twice as many, peak memory was 35 MB higher (measured).
 */
const JOB_BYTES = 2 * 1024 * 1024;

/** A sweep with the jobs of its events. */
export interface LoadedSweep {
  readonly sweep: Sweep;
  /** The rest of the sweep, whose jobs were not loaded because they are too large or the run must end. */
  readonly rest: Sweep;
  /** The fields of the job that an entry carries. */
  readonly jobOf: (entry: Entry) => JobPart | undefined;
}

export interface JobLoaderOptions extends DetailSettings {
  readonly prefix: string;
  readonly passes: (event: string | undefined) => boolean;
}

interface Job {
  readonly queueKey: string;
  readonly id: Buffer;
  /** Its events, by the fields of the job that they carry. */
  readonly events: Map<JobSelection, Entry[]>;
  /** The index of its first event in the sweep. */
  readonly first: number;
}

/**
 * Creates a function that reads the jobs of a sweep's events, each job once, in one pipeline unless they are large.
 *
 * Only the fields that the events carry are kept. Jobs are not read in parallel with streams: a reply that is too large
 * closes the connection and fails all other requests on it.
 */
export function createJobLoader(
  redis: RedisConnection,
  { jobs: settings, omit, prefix, passes }: JobLoaderOptions,
): (sweep: Sweep, signal: AbortSignal) => Promise<LoadedSweep> {
  if (!settings) return async (sweep) => ({ sweep, rest: [], jobOf: () => undefined });
  const { fields, maxBytes } = settings;
  const portions = createPortions(JOB_BYTES);

  /** The jobs of a sweep, in the order of their first events. */
  function jobsOf(sweep: Sweep): Job[] {
    const jobs = new Map<string, Job>();
    let index = 0;
    for (const { queue, entries } of sweep) {
      for (const entry of entries) {
        const first = index++;
        const { fields: values } = entry;
        const event = eventName(values);
        const id = passes(event) ? jobIdOf(values) : undefined;
        const selection = id && selectionFor(fields, event);
        if (!selection) continue;
        // A queue name has no colon. An id need not be UTF-8, so each byte becomes a character.
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
