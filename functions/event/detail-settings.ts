import type { JobFields } from './job-fields.ts';
import type { Omission } from './omit.ts';

/** Settings for the fields that details contain and leave out. */
export interface DetailSettings {
  /** The fields of jobs that events carry, and the most bytes of each value as JSON. @default none */
  readonly jobs?: { readonly fields: JobFields; readonly maxBytes: number } | undefined;
  /** Fields that must not leave Redis. @default none */
  readonly omit?: Omission | undefined;
}
