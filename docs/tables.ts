import { readFile, writeFile } from 'node:fs/promises';
import { CATALOGUE, type EventKind, QUEUE_EVENTS } from '../functions/event/catalogue.ts';
import { type Need, PERMISSIONS } from '../functions/redis/permissions.ts';
import { VARIABLES } from '../functions/settings.ts';

/** The tables that a Markdown file can have between `<!-- name -->` and `<!-- /name -->`. */
const TABLES: Readonly<Record<string, () => string>> = {
  events: eventTable,
  variables: variableTable,
  permissions: permissionTable,
};

/** Fills each table of a Markdown text from the code that it describes. */
export function fillTables(markdown: string): string {
  return markdown.replace(/<!-- (\w+) -->\n.*?<!-- \/\1 -->/gs, (whole, name: string) => {
    const table = TABLES[name]?.();
    return table === undefined ? whole : `<!-- ${name} -->\n${table}\n<!-- /${name} -->`;
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
  const rows = Object.entries<{ about: string; default?: string; optional?: true }>(VARIABLES).map(
    ([name, { about, default: value, optional }]) => [
      `\`${name}\``,
      about,
      value === undefined ? (optional ? '' : 'required') : `\`${value}\``,
    ],
  );
  return table(['variable', 'meaning', 'default'], rows);
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
  for (const page of ['../README.md', 'redis-user.md']) {
    const file = new URL(page, import.meta.url);
    await writeFile(file, fillTables(await readFile(file, 'utf8')));
  }
}
