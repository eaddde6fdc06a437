import { Stack, Token, Tokenization } from 'aws-cdk-lib';
import { type EventPattern, type IEventBus, type IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable, type IRole, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct, type IConstruct } from 'constructs';
import { checkRuleOn } from './buses.ts';
import { acknowledgeObjects, keyStatement } from './permissions.ts';

interface ConsumersProps {
  readonly eventBus: IEventBus;
  readonly bucket: IBucket;
  /** The keys of this source in the bucket, as a pattern for policies. */
  readonly keys: string;
  /** Constructs that this stack refers to already; they may be in other stacks. */
  readonly uses: readonly (IConstruct | undefined)[];
}

/**
 * The rules and grants of consumers, which may be in other stacks.
 *
 * All references between two stacks must go in one direction. Once a rule or a prop makes this stack refer to another
 * stack, the grants for that stack are also created in this stack.
 */
export class Consumers extends Construct {
  readonly #props: ConsumersProps;
  readonly #referredTo: Set<Stack>;

  constructor(scope: Construct, id: string, props: ConsumersProps) {
    super(scope, id);
    this.#props = props;
    this.#referredTo = new Set(props.uses.flatMap((used) => (used ? Stack.of(used) : [])));
    this.#referredTo.delete(Stack.of(this));
  }

  addRule(id: string, target: IRuleTarget, eventPattern: EventPattern, description: string | undefined): Rule {
    const { eventBus } = this.#props;
    checkRuleOn(this, eventBus);
    const noted: IRuleTarget = {
      bind: (rule, targetId) => {
        const config = target.bind(rule, targetId);
        for (const construct of config.targetResource ? [config.targetResource] : constructsIn(config.arn)) {
          if (Stack.of(construct) !== Stack.of(this)) this.#referredTo.add(Stack.of(construct));
        }
        return config;
      },
    };
    return new Rule(this, id, { eventBus, eventPattern, targets: [noted], description });
  }

  grantReadPayloads(grantee: IGrantable): Grant {
    const { bucket, keys } = this.#props;
    const actions = ['s3:GetObject'];
    const resourceArns = [bucket.arnForObjects(keys)];
    const principal = grantee.grantPrincipal;
    acknowledgeObjects(bucket, keys, principal);
    const forKey = keyStatement(bucket.encryptionKey, 's3', 'Decrypt');
    if (isRole(principal) && this.#referredTo.has(Stack.of(principal))) {
      const statements = [new PolicyStatement({ actions, resources: resourceArns }), ...forKey];
      const policy = new Policy(this, `ReadPayloads${principal.node.addr}`, { statements });
      acknowledgeObjects(bucket, keys, policy);
      policy.attachToRole(principal);
      return Grant.drop(grantee, 'the policy is in the stack of the bucket');
    }
    const grant = Grant.addToPrincipalOrResource({ grantee, actions, resourceArns, resource: bucket });
    for (const statement of forKey) principal.addToPrincipalPolicy(statement);
    return grant;
  }
}

function isRole(principal: object): principal is IRole {
  return Construct.isConstruct(principal) && 'roleName' in principal;
}

/** The constructs that an ARN is an attribute of. */
function constructsIn(arn: string): IConstruct[] {
  if (!Token.isUnresolved(arn)) return [];
  return Tokenization.reverseString(arn).tokens.flatMap((token) =>
    'target' in token && Construct.isConstruct(token.target) ? [token.target] : [],
  );
}
