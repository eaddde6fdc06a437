import { distance } from 'fastest-levenshtein';
import { CATALOGUE } from './catalogue.ts';

/** The events that are forwarded: all, or the named ones. */
export type EventSelection = '*' | readonly string[];

/** Creates the filter; an entry without an event name passes only if all events are selected. */
export function createFilter(selection: EventSelection): (event: string | undefined) => boolean {
  if (selection === '*') return () => true;
  const selected = new Set(selection);
  return (event) => event !== undefined && selected.has(event);
}

/**
 * Selected names that are similar to an event of BullMQ; they are not errors, because custom events may have any name.
 */
export function likelyMisspelt(selection: EventSelection): { readonly given: string; readonly nearest: string }[] {
  if (selection === '*') return [];
  const names = Object.keys(CATALOGUE);
  return selection.flatMap((given) => {
    if (names.includes(given)) return [];
    const nearest = names.find((name) => distance(name, given) <= 2);
    return nearest === undefined ? [] : { given, nearest };
  });
}
