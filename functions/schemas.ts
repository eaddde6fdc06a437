import { X509Certificate } from 'node:crypto';
import * as z from 'zod/mini';

/** A text that is not empty. */
export const text = z.string().check(z.minLength(1));
export const url = (protocols: RegExp) => z.url({ protocol: protocols, hostname: /./ });
export const oneOf = <const Name extends string>(...names: Name[]) => z.enum(names);
/** A comma-separated list of names, each once, or `*`. */
export const names = (name: RegExp) =>
  z.pipe(
    z.pipe(
      z.string(),
      z.transform((list: string) =>
        list.trim() === '*' ? '*' : [...new Set(list.split(',').map((item) => item.trim()))],
      ),
    ),
    z.union([z.literal('*'), z.array(z.string().check(z.regex(name))).check(z.minLength(1))]),
  );
export const wholeNumber = (least: number, most: number) =>
  z.pipe(
    z.pipe(z.string().check(z.regex(/^\d+$/)), z.transform(Number)),
    z.number().check(z.minimum(least), z.maximum(most)),
  );
export const flag = z.pipe(
  z.string().check(z.regex(/^(true|false)$/)),
  z.transform((value: string) => value === 'true'),
);

/** What a function makes of a text; `undefined` where the text is not like that. */
export const parsedBy = <T>(parse: (given: string) => T | undefined) =>
  z.pipe(
    z.pipe(z.string(), z.transform<string, unknown>(parse)),
    z.custom<unknown>((value) => value !== undefined),
  ) as z.ZodMiniType<T, string>;

/** Certificates as PEM; one line is all that many a form takes. */
export const certificates = z.pipe(
  z.pipe(
    z.string(),
    z.transform((pem: string) => pem.replaceAll('\\n', '\n')),
  ),
  z.string().check(z.refine(isCertificate)),
);

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem) !== undefined;
  } catch {
    return false;
  }
}
