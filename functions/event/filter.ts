import { distance } from 'fastest-levenshtein';
import { CATALOGUE } from './catalogue.ts';

/** Which events are forwarded: all of them, or those named. */
export type EventSelection = '*' | readonly string[];

/** Makes the filter; an entry without an event name passes only where all events are selected. */
export function createFilter(selection: EventSelection): (event: string | undefined) => boolean {
  if (selection === '*') return () => true;
  const selected = new Set(selection);
  return (event) => event !== undefined && selected.has(event);
}

/** Selected names that are not BullMQ's but close to one: custom events may have any name, a slip of the pen too. */
export function likelyMisspelt(selection: EventSelection): { readonly given: string; readonly nearest: string }[] {
  if (selection === '*') return [];
  const names = Object.keys(CATALOGUE);
  return selection.flatMap((given) => {
    if (names.includes(given)) return [];
    const nearest = names.find((name) => distance(name, given) <= 2);
    return nearest === undefined ? [] : { given, nearest };
  });
}
