import type { JsonValue } from './detail.ts';

const [QUOTE, BACKSLASH, COMMA, COLON, MINUS, PLUS, DOT, ZERO] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d, 0x2b, 0x2e, 0x30];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const SPACES = tableOf(' \t\n\r');
const ESCAPES = tableOf('"\\/bfnrt');
const EXPONENTS = tableOf('eE');
const HEX = tableOf('0123456789abcdefABCDEF');
/** Bytes without a meaning within a string: all except quotes, backslashes and control characters. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH),
);
const LITERALS = ['true', 'false', 'null'].map((literal) => Buffer.from(literal));

/** The end of an invalid value. */
const NOWHERE = -1;

/**
 * Whether UTF-8 bytes are JSON, with lists and objects nested at most `maxDepth` levels deep.
 *
 * It creates no objects: `JSON.parse` takes several times the memory of the text, which may have megabytes.
 * https://www.rfc-editor.org/rfc/rfc8259
 */
export function isJson(bytes: Buffer, maxDepth: number): boolean {
  const end = endOfValue(bytes, afterSpace(bytes, 0), maxDepth);
  return end !== NOWHERE && afterSpace(bytes, end) === bytes.length;
}

interface JsonWithSource {
  /** A value that `JSON.stringify` writes as this text: the JSON of a string, a number, a boolean or null. */
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
}

/** https://github.com/tc39/proposal-json-parse-with-source, for which TypeScript has no types yet. */
const { parse, rawJSON, isRawJSON } = JSON as unknown as JsonWithSource;

export { isRawJSON };

/**
 * Numbers that `JSON.stringify` may write differently: with a fraction, an exponent, too many digits, or minus zero.
 */
const INEXACT = /\d[.eE]|\d{16}|-0/;

/**
 * Parses JSON so that `JSON.stringify` writes each number with its original digits.
 *
 * @throws {SyntaxError} if the text is not JSON
 */
export function parseExact(text: string): JsonValue {
  if (!INEXACT.test(text)) return JSON.parse(text);
  const keepDigits = (_: string, value: unknown, { source }: { readonly source?: string }) =>
    typeof value === 'number' && source !== undefined ? rawJSON(source) : value;
  return parse(text, keepDigits) as JsonValue;
}

function endOfValue(bytes: Buffer, start: number, maxDepth: number): number {
  const first = bytes[start];
  if (first === QUOTE) return endOfString(bytes, start);
  if (first === OPEN_LIST || first === OPEN_OBJECT) return endOfGroup(bytes, start, maxDepth);
  if (first === MINUS || isDigit(first)) return endOfNumber(bytes, start);
  const literal = LITERALS.find((text) => text[0] === first);
  if (!literal) return NOWHERE;
  const end = start + literal.length;
  return literal.equals(bytes.subarray(start, end)) ? end : NOWHERE;
}

function endOfGroup(bytes: Buffer, start: number, maxDepth: number): number {
  if (maxDepth === 0) return NOWHERE;
  const isObject = bytes[start] === OPEN_OBJECT;
  const close = isObject ? CLOSE_OBJECT : CLOSE_LIST;
  let i = afterSpace(bytes, start + 1);
  if (bytes[i] === close) return i + 1;
  for (;;) {
    if (isObject) {
      const colon = afterSpace(bytes, endOfString(bytes, i));
      if (bytes[colon] !== COLON) return NOWHERE;
      i = afterSpace(bytes, colon + 1);
    }
    i = afterSpace(bytes, endOfValue(bytes, i, maxDepth - 1));
    if (bytes[i] === close) return i + 1;
    if (bytes[i] !== COMMA) return NOWHERE;
    i = afterSpace(bytes, i + 1);
  }
}

function endOfString(bytes: Buffer, start: number): number {
  if (bytes[start] !== QUOTE) return NOWHERE;
  for (let i = start + 1; i < bytes.length; i += 1) {
    while (isIn(PLAIN, bytes[i])) i += 1;
    if (bytes[i] === QUOTE) return i + 1;
    if (bytes[i] !== BACKSLASH) return NOWHERE;
    i += 1;
    if (bytes[i] === 0x75) {
      for (const last = i + 4; i < last; ) if (!isIn(HEX, bytes[++i])) return NOWHERE;
    } else if (!isIn(ESCAPES, bytes[i])) return NOWHERE;
  }
  return NOWHERE;
}

function endOfNumber(bytes: Buffer, start: number): number {
  const whole = bytes[start] === MINUS ? start + 1 : start;
  let end = bytes[whole] === ZERO ? whole + 1 : afterDigits(bytes, whole);
  if (end !== NOWHERE && bytes[end] === DOT) end = afterDigits(bytes, end + 1);
  if (end === NOWHERE || !isIn(EXPONENTS, bytes[end])) return end;
  const hasSign = bytes[end + 1] === PLUS || bytes[end + 1] === MINUS;
  return afterDigits(bytes, end + (hasSign ? 2 : 1));
}

/** Requires at least one digit. */
function afterDigits(bytes: Buffer, start: number): number {
  let i = start;
  while (isDigit(bytes[i])) i += 1;
  return i === start ? NOWHERE : i;
}

function afterSpace(bytes: Buffer, start: number): number {
  let i = start;
  while (i !== NOWHERE && isIn(SPACES, bytes[i])) i += 1;
  return i;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

/** A set of bytes, which is faster than a `Set`. */
function tableOf(bytes: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from(bytes)) table[byte] = 1;
  return table;
}

function isIn(table: Uint8Array, byte: number | undefined): boolean {
  return byte !== undefined && table[byte] === 1;
}
