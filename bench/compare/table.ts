import type { Outcome } from './compare.ts';
import { SCENARIOS, type ScenarioName, type Sizes } from './scenarios.ts';
import type { WayName } from './ways.ts';

const HEAD = [
  '| | `completed` and `failed` heard | missed | `progress` missed | unaccounted | heard again | what it said |',
  '|---|---|---|---|---|---|---|',
];

const figure = (count: number) => count.toLocaleString('en');

/** The part of the page that one scenario has. */
export function toMarkdown(scenario: ScenarioName, sizes: Sizes, outcomes: ReadonlyMap<WayName, Outcome>): string {
  const { title, what } = SCENARIOS[scenario];
  const rows = [...outcomes].map(([way, outcome]) => toRow(way, outcome));
  return [`### ${title}`, '', what(sizes), '', ...HEAD, ...rows].join('\n');
}

function toRow(way: WayName, { happened, missed, unaccounted, again, unmarked, remarks }: Outcome): string {
  const isProgress = (key: string) => key.startsWith('progress:');
  const progressMissed = missed.filter(isProgress).length;
  const ended = happened.length - happened.filter(isProgress).length;
  const endMissed = missed.length - progressMissed;
  const heard = `${figure(ended - endMissed)} of ${figure(ended)}`;
  const figures = [endMissed, progressMissed, unaccounted].map(figure);
  const heardAgain = again > 0 && unmarked === 0 ? `${figure(again)}, all marked` : figure(again);
  return `| ${[way, heard, ...figures, heardAgain, remarks.join('; ') || 'nothing'].join(' | ')} |`;
}

const PLACE = /<!-- measured -->.*<!-- \/measured -->/s;

/** Puts what was measured in its place in the page. */
export function insertInto(page: string, measured: string): string {
  if (!PLACE.test(page)) throw new Error('the page has no place between <!-- measured --> and <!-- /measured -->');
  return page.replace(PLACE, () => `<!-- measured -->\n${measured}\n<!-- /measured -->`);
}
