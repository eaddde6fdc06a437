import { join } from 'node:path';
import { jsonSchemas } from '../../consumer/json-schemas.ts';
import { SCHEMAS } from './bundle.ts';
import { replaceFile } from './functions.ts';

/** Writes the JSON schema of each event, as the package has them and as the construct reads them. */
export async function buildSchemas(): Promise<void> {
  const schemas = Object.entries(jsonSchemas());
  const texts = schemas.map(([name, schema]) => [name, `${JSON.stringify(schema, null, 2)}\n`] as const);
  await Promise.all(texts.map(([name, text]) => replaceFile(join(SCHEMAS, `${name}.json`), Buffer.from(text))));
}
