import type { Outcome } from './compare.ts';
import { SCENARIOS, type ScenarioName, type Sizes } from './scenarios.ts';
import type { WayName } from './ways.ts';

const HEAD = [
  '| | `completed` and `failed` heard | missed | `progress` missed | unaccounted | heard twice | what it said |',
  '|---|---|---|---|---|---|---|',
];

const figure = (count: number) => count.toLocaleString('en');

/** The part of the page that one scenario has. */
export function toMarkdown(scenario: ScenarioName, sizes: Sizes, outcomes: ReadonlyMap<WayName, Outcome>): string {
  const { title, what } = SCENARIOS[scenario];
  const rows = [...outcomes].map(([way, outcome]) => toRow(way, outcome));
  return [`### ${title}`, '', what(sizes), '', ...HEAD, ...rows].join('\n');
}

function toRow(way: WayName, { happened, missed, unaccounted, twice, remarks }: Outcome): string {
  const isProgress = (key: string) => key.startsWith('progress:');
  const progressMissed = missed.filter(isProgress).length;
  const ended = happened.length - happened.filter(isProgress).length;
  const endMissed = missed.length - progressMissed;
  const heard = `${figure(ended - endMissed)} of ${figure(ended)}`;
  const figures = [endMissed, progressMissed, unaccounted, twice].map(figure);
  return `| ${[way, heard, ...figures, remarks.join('; ') || 'nothing'].join(' | ')} |`;
}

const BEGIN = '<!-- measured by `npm run compare -- --write` -->';
const END = '<!-- end of what was measured -->';

/** Puts what was measured in its place in the page. */
export function insertInto(page: string, measured: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`the page has no place for it between ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${measured}\n\n${END}${after}`;
}
