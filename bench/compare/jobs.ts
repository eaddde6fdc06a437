import type { Job } from 'bullmq';

/** The one queue of a comparison. */
export const QUEUE = 'jobs';

/** What a listener is to hear of. */
export type HeardEvent = 'completed' | 'failed' | 'progress';

/** One thing that happened to one job; each happens once at the most. */
export type EventKey = `${HeardEvent}:${string}`;

export const keyOf = (event: HeardEvent, jobId: string): EventKey => `${event}:${jobId}`;

/** What a job will do, by its number. */
export interface Plan {
  readonly jobId: string;
  readonly fails: boolean;
  /** Whether it leaves no state behind: `removeOnComplete` and `removeOnFail`. */
  readonly isRemoved: boolean;
  readonly reportsProgress: boolean;
}

/** One job in ten fails, one in four is removed when it ends, one in five reports progress; some do several of these. */
export function planOf(n: number): Plan {
  return { jobId: `job-${n}`, fails: n % 10 === 0, isRemoved: n % 4 === 0, reportsProgress: n % 5 === 0 };
}

/** What will have happened once the job has ended. */
export function eventsOf({ jobId, fails, reportsProgress }: Plan): EventKey[] {
  const end = keyOf(fails ? 'failed' : 'completed', jobId);
  return reportsProgress ? [keyOf('progress', jobId), end] : [end];
}

/** What a scan of finished jobs cannot find: it is no end of a job, or that of one that left nothing behind. */
export function leavesNoState(key: EventKey): boolean {
  const [event, jobId = ''] = key.split(':');
  return event === 'progress' || planOf(Number(jobId.replace('job-', ''))).isRemoved;
}

/** The first half of a job's work. */
export async function begin(job: Job<Plan>): Promise<void> {
  if (job.data.reportsProgress) await job.updateProgress(50);
}

/** The second half: how the job ends. */
export function conclude({ data }: Job<Plan>): { readonly done: string } {
  if (data.fails) throw new Error('declined');
  return { done: data.jobId };
}
