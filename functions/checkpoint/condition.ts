import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { toAttribute, type Value } from './row.ts';

/** Collects the names and values of an expression. Names are always placeholders, because many are reserved words. */
export interface Expression {
  readonly names: Record<string, string>;
  readonly values: Record<string, AttributeValue>;
  /** @returns the placeholder of an attribute's name */
  name(attribute: string): string;
  /** @returns the placeholder of a value */
  value(value: Value): string;
}

export function createExpression(): Expression {
  const names: Record<string, string> = {};
  const values: Record<string, AttributeValue> = {};
  return {
    names,
    values,
    name(attribute) {
      names[`#${attribute}`] = attribute;
      return `#${attribute}`;
    },
    value(value) {
      const placeholder = `:v${Object.keys(values).length}`;
      values[placeholder] = toAttribute(value);
      return placeholder;
    },
  };
}

/** A condition on a row that is to be written. A row that does not exist has no attributes. */
export type Condition = (expression: Expression) => Term;

/** A part of an expression. It gets parentheses only where they are needed: DynamoDB refuses redundant parentheses. */
interface Term {
  readonly text: string;
  readonly joinedBy?: 'AND' | 'OR';
}

/** Holds if the attribute has this value; a missing attribute equals `undefined`. */
export function is(attribute: string, expected: Value): Condition {
  const equals: Condition = ({ name, value }) => ({ text: `${name(attribute)} = ${value(expected)}` });
  return expected === undefined ? any(isMissing(attribute), equals) : equals;
}

function isMissing(attribute: string): Condition {
  return ({ name }) => ({ text: `attribute_not_exists(${name(attribute)})` });
}

/** Holds if the attribute is not above this number; a missing attribute is not above any number. */
export function isAtMost(attribute: string, most: number): Condition {
  return not(({ name, value }) => ({ text: `${name(attribute)} > ${value(most)}` }));
}

/** Holds if the attribute is a number in a range, both ends inclusive. */
export function isWithin(attribute: string, least: number, most: number): Condition {
  return ({ name, value }) => ({ text: `${name(attribute)} BETWEEN ${value(least)} AND ${value(most)}` });
}

export function not(condition: Condition): Condition {
  return (expression) => {
    const { text, joinedBy } = condition(expression);
    return { text: joinedBy ? `NOT (${text})` : `NOT ${text}` };
  };
}

export function all(...conditions: readonly Condition[]): Condition {
  return join('AND', conditions);
}

export function any(...conditions: readonly Condition[]): Condition {
  return join('OR', conditions);
}

function join(word: 'AND' | 'OR', conditions: readonly Condition[]): Condition {
  return (expression) => {
    const terms = conditions.map((condition) => condition(expression));
    const [only, ...more] = terms;
    if (only && more.length === 0) return only;
    const texts = terms.map(({ text, joinedBy }) => (word === 'AND' && joinedBy === 'OR' ? `(${text})` : text));
    return { text: texts.join(` ${word} `), joinedBy: word };
  };
}
