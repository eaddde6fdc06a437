import { type IResource, Stack, Stage, Token } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Construct, IConstruct } from 'constructs';
import type { EventSource } from './rules.ts';

/** A construct that publishes to a bus and has its positions in a table. */
interface Publisher extends EventSource {
  readonly path: string;
  readonly bus: string;
  readonly table: string;
}

/** By stage: constructs of different stages are deployed to different places. */
const publishers = new WeakMap<IConstruct, Publisher[]>();

/**
 * Registers that a construct publishes to a bus.
 *
 * @throws Error for a bus of another region, if another construct would publish events with the same ids to the same
 * bus, or would have the same lease in the same table
 */
export function publishTo(
  scope: Construct,
  { eventBus, table }: { readonly eventBus: IEventBus; readonly table: ITable },
  origin: EventSource,
): void {
  const { region } = Stack.of(scope);
  if (areDifferent(eventBus.env.region, region)) {
    throw new Error(
      `eventBus must be in the region of the stack (${region}), got one in ${eventBus.env.region}; publish to a bus in this region, and let a rule forward the events to the other bus`,
    );
  }
  const publisher = {
    ...origin,
    path: scope.node.path,
    bus: identityOf(eventBus, eventBus.eventBusName),
    table: identityOf(table, table.tableName),
  };
  const stage = Stage.of(scope) ?? scope.node.root;
  const others = publishers.get(stage) ?? [];
  publishers.set(stage, [...others, publisher]);
  const twins = others.filter(({ sourceName, prefix }) => sourceName === origin.sourceName && prefix === origin.prefix);
  for (const twin of twins) {
    const both = `got "${origin.sourceName}" (with the prefix "${origin.prefix}") for both ${twin.path} and ${publisher.path}`;
    const remedy = 'Give one of them another sourceName or prefix';
    if (twin.table === publisher.table) {
      throw new Error(
        `sourceName must be unique in a table, ${both}: their runs would wait for each other. ${remedy}, or a table of its own`,
      );
    }
    if (twin.bus === publisher.bus && mayShareQueues(twin, publisher)) {
      throw new Error(
        `sourceName must be unique on a bus, ${both}: their events would have the same ids. ${remedy}, or give each of them different queues`,
      );
    }
  }
}

/** @throws Error for a bus of another account or region: a stack can create rules only in its own */
export function checkRuleOn(scope: Construct, eventBus: IEventBus): void {
  const { account, region } = Stack.of(scope);
  if (!areDifferent(eventBus.env.account, account) && !areDifferent(eventBus.env.region, region)) return;
  throw new Error(
    `onEvent and onLoss need a bus in the account and region of the stack (${account}, ${region}), got one in ${eventBus.env.account}, ${eventBus.env.region}; create the rule there, with a Rule of aws-events`,
  );
}

function mayShareQueues({ queues: mine }: Publisher, { queues: theirs }: Publisher): boolean {
  const areNamed = (queues: readonly string[] | undefined) => queues !== undefined && !queues.includes('*');
  return !areNamed(mine) || !areNamed(theirs) || mine?.some((queue) => theirs?.includes(queue)) === true;
}

/**
 * The identity of a resource: its name, or its path if the name is known only at deployment.
 *
 * Several constructs can import the same name, but a resource without a name yet is a single construct.
 */
function identityOf({ env: { account, region }, node }: IResource, name: string): string {
  return Token.isUnresolved(name) ? node.path : `${known(account)}/${known(region)}/${name}`;
}

function known(text: string): string {
  return Token.isUnresolved(text) ? '' : text;
}

function areDifferent(one: string, other: string): boolean {
  return !Token.isUnresolved(one) && !Token.isUnresolved(other) && one !== other;
}
