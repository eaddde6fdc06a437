import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { CheckpointError } from '../errors.ts';

/** The format of the rows that this version writes, and the newest that it understands. */
const FORMAT = 1;

export const FORMAT_VALUE: AttributeValue = { N: `${FORMAT}` };

/** Refuses a row of a newer version: what it says could be taken for something else. @throws {CheckpointError} */
export function checkFormat(row: Readonly<Record<string, AttributeValue>>, table: string): void {
  const found = Number(row['format']?.N ?? FORMAT);
  if (found <= FORMAT) return;
  const name = `${row['pk']?.S} ${row['sk']?.S}`;
  throw new CheckpointError(
    'TABLE_FORMAT',
    `The checkpoint table "${table}" has a row of format ${found} ("${name}"), and this version knows formats up to ${FORMAT}: a newer bullbridge wrote it; upgrade this one.`,
  );
}
