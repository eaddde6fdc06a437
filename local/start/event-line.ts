import type { BullmqDetail } from '../../functions/event/detail.ts';
import type { Piece } from './terminal.ts';
import { cut, pad, printable, widthOf } from './text-width.ts';

/** The events that the rule of `npm start` delivers. */
export const EVENTS = ['completed', 'failed', 'stalled', 'progress'] as const;

export type ForwardedDetail = BullmqDetail<(typeof EVENTS)[number]>;

interface Arrival {
  /** The detail-type, such as `Job Completed`. */
  readonly type: string;
  readonly detail: ForwardedDetail;
  /** Milliseconds since the event. */
  readonly age: number;
}

const COLOURS = { completed: 'green', failed: 'red', stalled: 'cyan', progress: 'cyan' } as const;

/** Columns of a value: the usual number, the maximum, and the minimum for which the age of the event is also shown. */
const VALUE = { usual: 44, most: 60, least: 12 };

/** The line of an event that has arrived; the age is left out if there are too few columns. */
export function eventLine({ type, detail, age }: Arrival, columns: number): Piece[] {
  const kind = pad(type, 14);
  const job = ` ${pad(printable(detail.queue), 9)} ${pad(printable(`#${detail.jobId ?? ''}`), 5)} `;
  const after = ` after ${age} ms`;
  const room = columns - widthOf(`  ${kind}${job}`);
  const hasAge = room - after.length >= VALUE.least;
  const most = Math.min(VALUE.most, hasAge ? room - after.length : room);
  const value = pad(cut(printable(JSON.stringify(saidBy(detail)) ?? ''), most), Math.min(VALUE.usual, most));
  return ['  ', { text: kind, style: COLOURS[detail.event] }, job, value, { text: hasAge ? after : '', style: 'dim' }];
}

function saidBy(detail: ForwardedDetail): unknown {
  if (detail.event === 'completed') return detail.returnvalue;
  if (detail.event === 'failed') return detail.failedReason;
  return detail.event === 'progress' ? detail.data : undefined;
}
