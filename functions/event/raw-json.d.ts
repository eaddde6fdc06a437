// https://github.com/tc39/proposal-json-parse-with-source, which V8 has since 11.4; TypeScript has no types for it yet.
interface JSON {
  /** A value that `JSON.stringify` writes as this text, which must be the JSON of a string, a number, a boolean or null. */
  rawJSON(text: string): { readonly rawJSON: string };
  isRawJSON(value: unknown): boolean;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
}
