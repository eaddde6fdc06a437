import type { FieldType } from './catalogue.ts';

/** How a fact of a job is kept in its hash. */
interface JobFact {
  /** Fields of the hash; the first of them that is there counts. */
  readonly hashFields: readonly string[];
  readonly type: FieldType;
  /** Whether parts of it are named by a path, `data.order.id`: they can be, or must be. */
  readonly parts?: 'can' | 'must';
}

/**
 * What can be told of a job, and where BullMQ keeps it.
 *
 * The hash of a job as `storeJob.lua`, `prepareJobForProcessing.lua`, `moveToFinished-*.lua` and `Job.fromJSON` of
 * BullMQ 4.18.3, 5.81.5 and 6.7.0 write and read it: `name`, `data`, `opts` (JSON), `timestamp`, `delay`, `priority`,
 * and as they come `processedOn`, `finishedOn`, `atm` (`attemptsMade` in 4), `ats` (not in 4), `parent` (JSON, with
 * `id` and `queueKey`).
 */
export const JOB_FACTS = {
  name: { hashFields: ['name'], type: 'text' },
  attemptsMade: { hashFields: ['atm', 'attemptsMade'], type: 'number' },
  attemptsStarted: { hashFields: ['ats'], type: 'number' },
  timestamp: { hashFields: ['timestamp'], type: 'number' },
  processedOn: { hashFields: ['processedOn'], type: 'number' },
  finishedOn: { hashFields: ['finishedOn'], type: 'number' },
  delay: { hashFields: ['delay'], type: 'number' },
  priority: { hashFields: ['priority'], type: 'number' },
  parent: { hashFields: ['parent'], type: 'json' },
  opts: { hashFields: ['opts'], type: 'json', parts: 'must' },
  data: { hashFields: ['data'], type: 'json', parts: 'can' },
} as const satisfies Record<string, JobFact>;

export type JobFactName = keyof typeof JOB_FACTS;

const TRACE = 'trace';
/** A job has it from the beginning, and it is short. */
const ALWAYS_THERE = 'timestamp';

/** All names, in words. */
export const JOB_NAMES = `${Object.entries<JobFact>(JOB_FACTS)
  .flatMap(([name, { parts }]) => [...(parts === 'must' ? [] : [name]), ...(parts ? [`${name}.<path>`] : [])])
  .join(', ')} and ${TRACE}`;

/** One thing that is told of a job. */
export interface JobField {
  readonly fact: JobFactName;
  /** Where it is in the `job` of a detail, and in the job: the fact, then the names within it. */
  readonly path: readonly [string, ...string[]];
}

/** What the events of one kind tell of their jobs. */
export interface JobSelection {
  /** A whole comes before its parts. */
  readonly fields: readonly JobField[];
  /** Whether the trace of the job goes on with the event. */
  readonly trace: boolean;
  /** What is read of a job's hash; one field among them is in every job. */
  readonly hashFields: readonly string[];
}

/**
 * What events tell of their jobs, by the event's name; `*` are all that are not named. An event can be named to tell
 * nothing.
 */
export type JobFields = ReadonlyMap<string, JobSelection | undefined>;

/**
 * Reads a text such as `name+attemptsMade+trace,failed=name+opts.attempts+data.order.id`: what all events tell of their
 * jobs, and then what single events tell instead.
 *
 * @returns `undefined` for a text that is not like that, or that names an event twice
 */
export function parseJobFields(text: string): JobFields | undefined {
  const selections = new Map<string, JobSelection | undefined>();
  for (const [i, item] of text.split(',').entries()) {
    const split = item.lastIndexOf('=');
    const event = split < 0 ? '*' : item.slice(0, split).trim();
    const list = item.slice(split + 1).trim();
    const names = list === '' ? [] : list.split('+').map((name) => name.trim());
    // Only the first item can be for all events, and only an event can be named to tell nothing.
    if (split < 0 && (i > 0 || names.length === 0)) return undefined;
    if (event === '' || selections.has(event) || !names.every(isJobField)) return undefined;
    selections.set(event, names.length === 0 ? undefined : select(names));
  }
  return selections;
}

/** Whether a text is the name of something that can be told of a job. */
export function isJobField(name: string): boolean {
  const [fact = '', ...parts] = name.split('.');
  if (name === TRACE) return true;
  if (!isFact(fact) || parts.some((part) => !/^[^\s,=+]+$/.test(part))) return false;
  const { parts: allowed }: JobFact = JOB_FACTS[fact];
  return parts.length > 0 ? allowed !== undefined : allowed !== 'must';
}

/** What an event tells of its job; an entry without a name is one of those that are not named. */
export function selectionFor(jobFields: JobFields, event: string | undefined): JobSelection | undefined {
  return event !== undefined && jobFields.has(event) ? jobFields.get(event) : jobFields.get('*');
}

/** The names that a selection was made of. */
export function namesOf(selection: JobSelection | undefined): string[] {
  const names = selection?.fields.map(({ path }) => path.join('.')) ?? [];
  return selection?.trace ? [...names, TRACE] : names;
}

export function isFact(name: string | undefined): name is JobFactName {
  return name !== undefined && Object.hasOwn(JOB_FACTS, name);
}

function select(names: readonly string[]): JobSelection {
  const trace = names.includes(TRACE);
  const fields = [...new Set(names)]
    .filter((name) => name !== TRACE)
    .map((name): JobField => {
      const path = name.split('.') as [JobFactName, ...string[]];
      return { fact: path[0], path };
    })
    .sort((a, b) => a.path.length - b.path.length);
  const needed = fields.flatMap(({ fact }) => JOB_FACTS[fact].hashFields);
  return { fields, trace, hashFields: [...new Set([ALWAYS_THERE, ...needed, ...(trace ? ['opts'] : [])])] };
}
