import type { DetailSettings } from '../event/detail-settings.ts';
import type { EventSelection } from '../event/filter.ts';
import type { StartFrom } from '../start-from.ts';

/** Whether a run listens for new entries once it has caught up. */
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
  /** Names of events that are counted for metrics, forwarded or not. @default none */
  readonly counted?: ReadonlySet<string> | undefined;
  /** Memory of the function in bytes. */
  readonly memory: number;
  /** @default all fields of the event, no fields of the job */
  readonly details?: DetailSettings;
}
