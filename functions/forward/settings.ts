import type { DetailSettings } from '../event/detail-settings.ts';
import type { EventSelection } from '../event/filter.ts';
import type { StartFrom } from '../start-from.ts';

/** Whether a run goes on listening once it has caught up. */
type TailMode = 'auto' | 'always' | 'never';

export interface ForwardSettings {
  readonly sourceName: string;
  readonly prefix: string;
  readonly queues: '*' | readonly string[];
  readonly events: EventSelection;
  readonly startFrom: StartFrom;
  readonly sweepSize: number;
  readonly tail: TailMode;
  /** Milliseconds from one run to the next. */
  readonly interval: number;
  /** Events that are counted for metrics, also those that are not forwarded. @default none */
  readonly counted?: ReadonlySet<string> | undefined;
  /** Bytes that the function has. */
  readonly memory: number;
  /** @default what Redis has, and nothing of the job */
  readonly details?: DetailSettings;
}
