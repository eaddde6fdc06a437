import { Token } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { jsonSchemas } from '../../../consumer/json-schemas.ts';
import { buildSchemas } from '../../../infra/build/schemas.ts';
import { createStack, only, synthesize } from '../synth.ts';

beforeAll(async () => {
  await buildSchemas();
});

const OWN = ['bullbridge@EventsLost', 'bullbridge@EventsRecovered'];

/** The names of the schemas that a template puts into its registry. */
const namesIn = (template: Template) =>
  Object.values(template.findResources('AWS::EventSchemas::Schema')).map(({ Properties }) => Properties['SchemaName']);

describe('a registry of schemas', () => {
  test('is created only if configured', () => {
    const template = synthesize();

    template.resourceCountIs('AWS::EventSchemas::Registry', 0);
    template.resourceCountIs('AWS::EventSchemas::Schema', 0);
  });

  test('has the schemas that the package has, in one registry, small enough for it', () => {
    const template = synthesize({ schemaRegistry: true, events: ['*'] });
    const registry = only(template, 'AWS::EventSchemas::Registry');
    const schemas = Object.values(template.findResources('AWS::EventSchemas::Schema')).map(
      (each) => each['Properties'],
    );

    expect(Object.fromEntries(schemas.map((each) => [each['SchemaName'], JSON.parse(each['Content'])]))).toEqual(
      JSON.parse(JSON.stringify(jsonSchemas())),
    );
    for (const { Content, RegistryName, Type } of schemas) {
      expect(RegistryName).toEqual({ 'Fn::GetAtt': [registry.id, 'RegistryName'] });
      expect(Type).toBe('JSONSchemaDraft4');
      // https://docs.aws.amazon.com/eventbridge/latest/schema-reference/v1-registries-name-registryname-schemas-name-schemaname.html
      expect(Content.length).toBeLessThanOrEqual(100_000);
    }
  });

  test.each([
    ['the default', {}, ['bullmq@JobCompleted', 'bullmq@JobFailed', 'bullmq@JobStalled']],
    ['some', { events: ['drained', 'retries-exhausted'] }, ['bullmq@JobRetriesExhausted', 'bullmq@QueueDrained']],
    ['a custom one, which has no schema', { events: ['failed', 'refunded'] }, ['bullmq@JobFailed']],
  ])('has the schemas of the forwarded events: %s', (_, props, names) => {
    const template = synthesize({ schemaRegistry: true, ...props });

    expect(namesIn(template).sort()).toEqual([...OWN, ...names].sort());
  });

  test('has all schemas if the events are known only at deployment', () => {
    const template = synthesize({ schemaRegistry: true, events: Token.asList({ Ref: 'Events' }) });

    expect(namesIn(template).sort()).toEqual(Object.keys(jsonSchemas()).sort());
  });

  test('is the registry of its construct, to be read by others', () => {
    const { bullbridge, stack } = createStack({ schemaRegistry: true });

    expect(stack.resolve(bullbridge.schemaRegistry?.attrRegistryName)).toEqual({
      'Fn::GetAtt': [only(Template.fromStack(stack), 'AWS::EventSchemas::Registry').id, 'RegistryName'],
    });
    expect(createStack().bullbridge.schemaRegistry).toBeUndefined();
  });
});
