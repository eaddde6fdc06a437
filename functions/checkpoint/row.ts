import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { CheckpointError, explain } from '../errors.ts';
import { TABLE_FAULTS } from './table-error.ts';

/** The value of an attribute; `undefined` stands for NULL and for a missing attribute. */
export type Value = string | number | boolean | readonly string[] | undefined;

/** A row of the checkpoint table, by the names of its attributes. */
export type Row = Readonly<Record<string, Value>>;

/** A row as DynamoDB represents it. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** The format of the rows that this version writes, and the newest that it understands. */
export const FORMAT = 1;

export function toAttribute(value: Value): AttributeValue {
  if (value === undefined) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: `${value}` };
  if (typeof value === 'boolean') return { BOOL: value };
  return { L: value.map((text) => ({ S: text })) };
}

/**
 * Converts an item to a row.
 *
 * @throws {CheckpointError} when a newer version wrote it, because this version could misread it
 */
export function toRow(item: Item, table: string): Row {
  const row = Object.fromEntries(Object.entries(item).map(([name, attribute]) => [name, toValue(attribute)]));
  const format = row['format'] ?? FORMAT;
  if (Number(format) <= FORMAT) return row;
  throw new CheckpointError(
    'TABLE_FORMAT',
    explain(
      TABLE_FAULTS.TABLE_FORMAT,
      `"${table}"`,
      `the row "${row['pk']} ${row['sk']}" has format ${format}, and this version knows formats up to ${FORMAT}`,
    ),
  );
}

function toValue({ S, N, BOOL, L }: AttributeValue): Value {
  return S ?? (N === undefined ? BOOL : Number(N)) ?? L?.map((element) => element.S ?? '');
}
