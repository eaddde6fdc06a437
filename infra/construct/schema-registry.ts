import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Token } from 'aws-cdk-lib';
import { CfnRegistry, CfnSchema } from 'aws-cdk-lib/aws-eventschemas';
import { Construct } from 'constructs';
import { CATALOGUE, type EventKind, schemaNameOf } from '../../functions/event/catalogue.ts';
import { SCHEMAS } from '../build/bundle.ts';

/** bullbridge's own events: they are published whatever events are forwarded. */
const OWN = ['Events Lost', 'Events Recovered'].map((detailType) => schemaNameOf('bullbridge', detailType));

/**
 * A registry of EventBridge with the schemas of all forwarded events, by the names that EventBridge gives to schemas
 * which it discovers.
 *
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-schema.html
 */
export class SchemaRegistry extends Construct {
  readonly registry: CfnRegistry;

  /** @param events names of the events that are forwarded; a custom event has no schema */
  constructor(scope: Construct, id: string, events: readonly string[]) {
    super(scope, id);
    this.registry = new CfnRegistry(this, 'Registry', { description: "Events of BullMQ's queues" });
    for (const name of [...namesOf(events), ...OWN]) {
      new CfnSchema(this, name, {
        registryName: this.registry.attrRegistryName,
        schemaName: name,
        type: 'JSONSchemaDraft4',
        content: JSON.stringify(JSON.parse(readFileSync(join(SCHEMAS, `${name}.json`), 'utf8'))),
      });
    }
  }
}

function namesOf(events: readonly string[]): string[] {
  const all = Token.isUnresolved(events) || events.includes('*');
  return Object.entries<EventKind>(CATALOGUE)
    .filter(([event]) => all || events.includes(event))
    .map(([, { detailType }]) => schemaNameOf('bullmq', detailType));
}
