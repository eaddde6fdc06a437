import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { toAttribute, type Value } from './row.ts';

/** Collects the names and values of an expression. Names always go in as placeholders, since many are reserved words. */
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

/** What must hold of a row for it to be written. A row that does not exist has no attributes. */
export type Condition = (expression: Expression) => Term;

/** A part of an expression. Parentheses go around it only where AND would bind too much: DynamoDB refuses redundant ones. */
interface Term {
  readonly text: string;
  readonly joinedBy?: 'AND' | 'OR';
}

/** The attribute has this value; a missing attribute equals `undefined`. */
export function is(attribute: string, expected: Value): Condition {
  const equals: Condition = ({ name, value }) => ({ text: `${name(attribute)} = ${value(expected)}` });
  return expected === undefined ? any(isMissing(attribute), equals) : equals;
}

function isMissing(attribute: string): Condition {
  return ({ name }) => ({ text: `attribute_not_exists(${name(attribute)})` });
}

/** The attribute is no number above this one; a missing attribute is none either. */
export function isAtMost(attribute: string, most: number): Condition {
  return not(({ name, value }) => ({ text: `${name(attribute)} > ${value(most)}` }));
}

/** The attribute is a number from one to another, both included. */
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
