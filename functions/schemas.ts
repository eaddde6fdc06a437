import { X509Certificate } from 'node:crypto';
import * as z from 'zod/mini';

/** The allowed values of a setting, as text. */
export interface Kind<T> {
  readonly schema: z.ZodMiniType<T, string>;
  /** The words that end the sentence "it must be …". */
  readonly allowed: string;
}

/** A text that is not empty, or that matches a pattern. */
export const text = (allowed: string, pattern = /./s): Kind<string> => ({
  schema: z.string().check(z.regex(pattern)),
  allowed,
});

export const url = (allowed: string): Kind<string> => ({
  schema: z.url({ protocol: /^https?$/, hostname: /./ }),
  allowed,
});

export const oneOf = <const Name extends string>(...names: Name[]): Kind<Name> => ({
  schema: z.enum(names),
  allowed: `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`,
});

/** Names separated by commas, without duplicates, or `*`. */
export const names = (allowed: string, name: RegExp): Kind<'*' | string[]> => ({
  schema: z.pipe(
    z.pipe(
      z.string(),
      z.transform((list: string) =>
        list.trim() === '*' ? '*' : [...new Set(list.split(',').map((item) => item.trim()))],
      ),
    ),
    z.union([z.literal('*'), z.array(z.string().check(z.regex(name))).check(z.minLength(1))]),
  ),
  allowed,
});

export const wholeNumber = (least: number, most: number): Kind<number> => ({
  schema: z.pipe(
    z.pipe(z.string().check(z.regex(/^\d+$/)), z.transform(Number)),
    z.number().check(z.minimum(least), z.maximum(most)),
  ),
  allowed: `a whole number from ${least} to ${most}`,
});

export const flag: Kind<boolean> = {
  schema: z.pipe(
    z.string().check(z.regex(/^(true|false)$/)),
    z.transform((value: string) => value === 'true'),
  ),
  allowed: 'true or false',
};

/** The result of a parser that returns `undefined` for a text that is not allowed. */
export const parsedBy = <T>(parse: (given: string) => T | undefined, allowed: string): Kind<T> => ({
  schema: z.pipe(
    z.pipe(z.string(), z.transform<string, unknown>(parse)),
    z.custom<unknown>((value) => value !== undefined),
  ) as z.ZodMiniType<T, string>,
  allowed,
});

/** Certificates as PEM, with `\n` for line breaks where a form allows only one line. */
export const certificates: Kind<string> = {
  schema: z.pipe(
    z.pipe(
      z.string(),
      z.transform((pem: string) => pem.replaceAll('\\n', '\n')),
    ),
    z.string().check(z.refine(isCertificate)),
  ),
  allowed: 'a certificate in PEM, or several',
};

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem) !== undefined;
  } catch {
    return false;
  }
}
