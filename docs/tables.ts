import { readFile, writeFile } from 'node:fs/promises';
import { CATALOGUE, type EventKind, QUEUE_EVENTS } from '../functions/event/catalogue.ts';
import { METRICS, type MetricName } from '../functions/metrics.ts';
import { type Need, PERMISSIONS } from '../functions/redis/permissions.ts';
import { VARIABLES, type Variable } from '../functions/settings.ts';
import { defaultOf, kindOf } from '../infra/construct/environment.ts';
import { METRIC_FACTS } from '../infra/construct/metrics.ts';
import type { Setting } from '../infra/construct/setting.ts';
import { SETTINGS } from '../infra/construct/settings.ts';

const settings: readonly Setting[] = SETTINGS;

/** The tables that a Markdown file can have between `<!-- name -->` and `<!-- /name -->`. */
const TABLES: Readonly<Record<string, () => string>> = {
  events: eventTable,
  variables: variableTable,
  options: optionTable,
  metrics: metricTable,
  permissions: permissionTable,
};

/** Whose repository it is; the one place that says so. */
const { homepage } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
const REPOSITORY = homepage.replace(/#.*$/, '');

/**
 * Fills each table of a page from the code that it describes, and the address of the repository; `file` is its path
 * from the root.
 */
export function fillPage(markdown: string, file: string): string {
  const addressed = markdown.replaceAll(/https:\/\/github\.com\/[^/\s]+\/bullbridge(?![\w-])/g, REPOSITORY);
  return addressed.replace(/<!-- (\w+) -->\n.*?<!-- \/\1 -->/gs, (whole, name: string) => {
    const table = TABLES[name]?.();
    if (table === undefined) return whole;
    const linked = file.startsWith('docs/') ? table.replaceAll('](docs/', '](') : table;
    return `<!-- ${name} -->\n${linked}\n<!-- /${name} -->`;
  });
}

function eventTable(): string {
  const rows = Object.entries<EventKind>(CATALOGUE).map(([name, { detailType, fields, about }]) => {
    const all = [...(QUEUE_EVENTS.has(name) ? [] : ['jobId']), ...Object.entries(fields).map(describe)];
    return [`\`${name}\``, `\`${detailType}\``, all.join(', '), about];
  });
  return table(['event', 'detail-type', 'fields', 'when'], rows);
}

function describe([name, type]: [string, string]): string {
  return type === 'text' ? name : `${name} (${type === 'json' ? 'JSON' : type})`;
}

function variableTable(): string {
  const rows = Object.entries<Variable<unknown>>(VARIABLES).map(([name, { allowed, default: value, optional }]) => {
    const setting = settings.find(({ variable }) => variable === name);
    const otherwise = value === undefined ? (optional ? '' : 'required') : `\`${value}\``;
    return [`\`${name}\``, setting?.about ?? '', allowed, otherwise];
  });
  return table(['variable', 'meaning', 'allowed', 'default'], rows);
}

function optionTable(): string {
  const rows = settings.flatMap((setting) => {
    const { option, about } = setting;
    if (option === undefined) return [];
    const value = defaultOf(setting) ?? '';
    const otherwise = value.startsWith('- ') ? value.slice(2) : `\`${value}\``;
    return [[`\`${option}\``, about, kindOf(setting)?.allowed ?? '', otherwise]];
  });
  return table(['option', 'meaning', 'allowed', 'default'], rows);
}

function metricTable(): string {
  const rows = Object.entries(METRIC_FACTS).map(([name, { about, statistic }]) => [
    `\`${name}\``,
    METRICS[name as MetricName],
    statistic,
    about,
  ]);
  return table(['metric', 'unit', 'statistic', 'meaning'], rows);
}

const NEEDS: Readonly<Record<Need, string>> = {
  forward: 'forwarding',
  reconcile: 'recovery',
  database: 'a database other than 0',
  cluster: 'a cluster',
  sentinel: 'Sentinels',
};

function permissionTable(): string {
  const rows = PERMISSIONS.filter(({ needs }) => needs.length > 0).map(({ command, needs, about }) => [
    `\`+${command.replace('|', '\\|')}\``,
    needs.map((need) => NEEDS[need]).join(', '),
    about,
  ]);
  return table(['permission', 'needed for', 'what it does'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

if (import.meta.main) {
  for (const page of ['README.md', 'docs/deploy.md', 'docs/redis-user.md']) {
    const file = new URL(`../${page}`, import.meta.url);
    await writeFile(file, fillPage(await readFile(file, 'utf8'), page));
  }
}
