import { fc } from '@fast-check/vitest';
import { anyCharacter } from '../any-character.ts';

/** Numbers as other languages write them: more digits than a double has, fractions of zero, exponents, minus zero. */
const number = fc.oneof(
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
  fc.tuple(fc.integer(), fc.nat(), fc.nat(9)).map(([whole, part, zeros]) => `${whole}.${part}${'0'.repeat(zeros)}`),
  fc
    .tuple(fc.integer(), fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.nat(999))
    .map((parts) => parts.join('')),
  fc.constantFrom('-0', '0.0', '1e400', '-1E-400', '1524831183200260097', '9007199254740993'),
);
const string = fc.oneof(
  fc.string({ unit: anyCharacter }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\u00fc"', '"1e400"'),
);

/** The text of any JSON, without spaces and in one way only. */
export const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    number,
    string,
    fc.constantFrom('true', 'false', 'null', '{}', '[]'),
    fc.array(tie('json'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
    fc
      .uniqueArray(
        fc.tuple(
          fc.string({ maxLength: 5 }).filter((name) => !/^\d+$/.test(name)),
          tie('json'),
        ),
        {
          selector: ([name]) => name,
          maxLength: 4,
        },
      )
      .map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`),
  ),
}));
