import { glob, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CATALOGUE, type EventKind, QUEUE_EVENTS } from '../functions/event/catalogue.ts';
import { METRICS, type MetricName } from '../functions/metrics.ts';
import { type Need, PERMISSIONS } from '../functions/redis/permissions.ts';
import { VARIABLES, type Variable } from '../functions/settings.ts';
import { defaultOf, kindOf } from '../infra/construct/environment.ts';
import { METRIC_FACTS } from '../infra/construct/metrics.ts';
import type { Setting } from '../infra/construct/setting.ts';
import { SETTINGS } from '../infra/construct/settings.ts';
import { ERRORS, REFUSALS } from './errors.ts';

const settings: readonly Setting[] = SETTINGS;

/** The tables that a Markdown file can have between `<!-- name -->` and `<!-- /name -->`. */
const TABLES: Readonly<Record<string, () => string>> = {
  events: eventTable,
  settings: settingTable,
  metrics: metricTable,
  permissions: permissionTable,
  errors: errorTable,
  refusals: refusalTable,
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

function settingTable(): string {
  const rows = settings.map((setting) => {
    const { variable, option, about } = setting;
    const props = setting.props ?? [setting.prop ?? []].flat();
    const allowed = plain(kindOf(setting)?.allowed ?? '');
    return [code(variable), props.map(code).join(', '), code(option), about, allowed, defaultFor(setting)];
  });
  return table(['variable', 'prop', 'option', 'meaning', 'allowed', 'default'], rows);
}

function defaultFor(setting: Setting): string {
  const value = defaultOf(setting);
  if (value !== undefined) return value.startsWith('- ') ? value.slice(2) : code(value);
  const known: Variable<unknown> | undefined = setting.variable && VARIABLES[setting.variable];
  return known?.optional ? 'none' : 'required';
}

function code(text: string | undefined): string {
  return text === undefined ? '' : `\`${text}\``;
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

function errorTable(): string {
  const rows = ERRORS.map(({ error, code: name, cause, remedy, passes }) => [
    code(error),
    code(name),
    sentence(cause),
    sentence(remedy),
    passes ? 'yes' : 'no',
  ]);
  return table(['error', 'code', 'meaning', 'remedy', 'can pass by itself'], rows);
}

function refusalTable(): string {
  const rows = Object.entries(REFUSALS).map(([name, { cause, remedy }]) => [
    code(name),
    sentence(cause),
    sentence(remedy),
  ]);
  return table(['errorCode', 'meaning', 'remedy'], rows);
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${plain(text.slice(1))}.`;
}

/** Text in a cell, in which only backticks have a meaning. */
function plain(text: string): string {
  return text
    .split('`')
    .map((part, i) => (i % 2 === 1 ? part : part.replaceAll('<', '&lt;').replaceAll(/[*|]/g, '\\$&')))
    .join('`');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

if (import.meta.main) {
  const root = new URL('..', import.meta.url);
  for await (const page of glob(['README.md', 'docs/*.md'], { cwd: fileURLToPath(root) })) {
    const file = new URL(page, root);
    await writeFile(file, fillPage(await readFile(file, 'utf8'), page));
  }
}
