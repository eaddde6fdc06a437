import type { JobFields } from './job-fields.ts';
import type { Omission } from './omit.ts';

/** What details have beside, or have not, of what Redis has. */
export interface DetailSettings {
  /** What events tell of their jobs, and what each value of a job may have as JSON. @default nothing */
  readonly jobs?: { readonly fields: JobFields; readonly maxBytes: number } | undefined;
  /** What must not leave Redis. @default nothing */
  readonly omit?: Omission | undefined;
}
