import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { jsonPieces, jsonSize } from '../../functions/event/field.ts';
import { isJson } from '../../functions/event/json.ts';
import { anyCharacter } from '../any-character.ts';
import { repetitions } from '../effort.ts';

function isParsed(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON, also with spaces, and with a few characters taken out, put in or exchanged. */
const nearlyJson = fc
  .record({
    value: fc.jsonValue(),
    indent: fc.constantFrom('', ' ', '\t\r'),
    at: fc.nat(),
    taken: fc.nat(3),
    put: fc.oneof(
      fc.constant(''),
      fc.constantFrom(...'"\\/{}[],:-+.eE0159 u\n\u0001', '\\u00', '\\ud83d', '1e5', '-0', '00', 'null', 'tru'),
      fc.string({ unit: anyCharacter, maxLength: 3 }),
    ),
  })
  .map(({ value, indent, at, taken, put }) => {
    const json = JSON.stringify(value, undefined, indent);
    const place = at % (json.length + 1);
    return json.slice(0, place) + put + json.slice(place + taken);
  })
  .filter((text) => text.isWellFormed());

describe('isJson', () => {
  test.prop([nearlyJson], { numRuns: repetitions(3000, 1000) })('accepts exactly what JSON.parse accepts', (text) => {
    expect(isJson(Buffer.from(text), 1000)).toBe(isParsed(text));
  });

  test.prop([fc.string({ unit: fc.constantFrom(...'-+.eE019 ') })])('knows every form of a number', (text) => {
    expect(isJson(Buffer.from(text), 0)).toBe(isParsed(text));
  });

  test.each([
    '"\\u12g4"',
    '"\\u123',
    '"\\',
    '"\\x"',
    '{"a"}',
    '{"a":}',
    '{a:1}',
    '[1,]',
    '[,]',
    '[1 2]',
    '{"a":1,}',
    '{]',
    '',
    ' ',
  ])('refuses %j', (text) => {
    expect(isJson(Buffer.from(text), 1000)).toBe(false);
  });

  test('accepts lists and objects nested as deep as allowed, and no deeper', () => {
    const nested = (depth: number) => Buffer.from(`${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`);
    expect(isJson(nested(998), 998)).toBe(true);
    expect(isJson(nested(998), 997)).toBe(false);
    expect(isJson(Buffer.from('"text"'), 0)).toBe(true);
  });
});

describe('the size of a text as JSON', () => {
  test.prop([
    fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 300 }).map((text) => Buffer.from(text)),
      fc.uint8Array().map((b) => Buffer.from(b)),
    ),
  ])('is the size of the result of JSON.stringify', (bytes) => {
    const expected = Buffer.byteLength(JSON.stringify(bytes.toString()));
    const field = { path: 'x', kind: 'text', bytes } as const;

    expect(jsonSize(field)).toBe(expected);
    expect(Buffer.concat([...jsonPieces(field)])).toEqual(Buffer.from(JSON.stringify(bytes.toString())));
  });
});
