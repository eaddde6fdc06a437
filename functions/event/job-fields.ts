import type { FieldType } from './catalogue.ts';

/** How the hash of a job stores a fact. */
interface JobFact {
  /** Fields of the hash; the first one that exists counts. */
  readonly hashFields: readonly string[];
  readonly type: FieldType;
  /** Whether a path can or must name a part of it, such as `data.order.id`. */
  readonly parts?: 'can' | 'must';
}

/**
 * The facts of a job that events can carry, and the fields of its hash that store them.
 *
 * `storeJob.lua`, `prepareJobForProcessing.lua`, `moveToFinished-*.lua` and `Job.fromJSON` of BullMQ 4.18.3, 5.81.5 and
 * 6.7.0 write and read the hash of a job: `name`, `data`, `opts` (JSON), `timestamp`, `delay`, `priority`, and later
 * `processedOn`, `finishedOn`, `atm` (`attemptsMade` in 4), `ats` (not in 4), `parent` (JSON, with `id` and
 * `queueKey`).
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
/** A short field that every job has. */
const ALWAYS_THERE = 'timestamp';

/** All names, for messages. */
export const JOB_NAMES = `${Object.entries<JobFact>(JOB_FACTS)
  .flatMap(([name, { parts }]) => [...(parts === 'must' ? [] : [name]), ...(parts ? [`${name}.<path>`] : [])])
  .join(', ')} and ${TRACE}`;

/** A field of a job that an event carries. */
export interface JobField {
  readonly fact: JobFactName;
  /** The path in `detail.job` and in the job: the fact, then the names within it. */
  readonly path: readonly [string, ...string[]];
}

/** The fields of the job that an event carries. */
export interface JobSelection {
  /** A whole comes before its parts. */
  readonly fields: readonly JobField[];
  /** Whether the event continues the trace of the job. */
  readonly trace: boolean;
  /** The fields to read from the hash; one of them is in every job. */
  readonly hashFields: readonly string[];
}

/**
 * The fields of the job that events carry, by the name of the event; `*` stands for all other events, `undefined` for
 * no fields.
 */
export type JobFields = ReadonlyMap<string, JobSelection | undefined>;

/**
 * Parses a text such as `name+attemptsMade+trace,failed=name+opts.attempts+data.order.id`: the fields for all events,
 * then exceptions for single events.
 *
 * @returns `undefined` for a text that is not valid, or that names an event twice
 */
export function parseJobFields(text: string): JobFields | undefined {
  const selections = new Map<string, JobSelection | undefined>();
  for (const [i, item] of text.split(',').entries()) {
    const split = item.lastIndexOf('=');
    const event = split < 0 ? '*' : item.slice(0, split).trim();
    const list = item.slice(split + 1).trim();
    const names = list === '' ? [] : list.split('+').map((name) => name.trim());
    // Only the first item can be for all events, and only a named event can have no fields.
    if (split < 0 && (i > 0 || names.length === 0)) return undefined;
    if (event === '' || selections.has(event) || !names.every(isJobField)) return undefined;
    selections.set(event, names.length === 0 ? undefined : select(names));
  }
  return selections;
}

/** Whether a text names a field of a job that events can carry. */
export function isJobField(name: string): boolean {
  const [fact = '', ...parts] = name.split('.');
  if (name === TRACE) return true;
  if (!isFact(fact) || parts.some((part) => !/^[^\s,=+]+$/.test(part))) return false;
  const { parts: allowed }: JobFact = JOB_FACTS[fact];
  return parts.length > 0 ? allowed !== undefined : allowed !== 'must';
}

/** The selection for an event; an entry without a name has the selection of `*`. */
export function selectionFor(jobFields: JobFields, event: string | undefined): JobSelection | undefined {
  return event !== undefined && jobFields.has(event) ? jobFields.get(event) : jobFields.get('*');
}

/** The names of the fields of a selection, as they were configured. */
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
