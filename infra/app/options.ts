import type { Node } from 'constructs';
import { distance } from 'fastest-levenshtein';
import type { BullbridgeProps } from '../construct/bullbridge.ts';
import type { Setting } from '../construct/setting.ts';
import { SETTINGS } from '../construct/settings.ts';

type OptionName = Extract<(typeof SETTINGS)[number], { readonly option: string }>['option'];

/** The names of the context values of the stack, `-c name=value`. */
export const OPTIONS: readonly OptionName[] = SETTINGS.flatMap((setting) =>
  'option' in setting ? [setting.option] : [],
);

/** The given values, as text. */
export type Options = { readonly [Name in OptionName]?: string };

/** Reads the options from the context. @throws Error for a name that neither bullbridge nor the CDK knows */
export function readOptions(node: Node): Options {
  for (const name of Object.keys(node.getAllContext())) {
    // Names of the CDK have colons, slashes or dashes: feature flags, results of look-ups.
    if ((OPTIONS as readonly string[]).includes(name) || !/^\w+$/.test(name)) continue;
    const meant = OPTIONS.find((option) => distance(option.toLowerCase(), name.toLowerCase()) <= 2);
    const hint = meant === undefined ? `the options are ${OPTIONS.join(', ')}` : `did you mean ${meant}?`;
    throw new Error(`context ${name} is not known; ${hint}`);
  }
  const given = OPTIONS.flatMap((name) => {
    const value = node.tryGetContext(name);
    if (value === undefined) return [];
    // A value in cdk.json may be a number or a list; on the command line, all values are text.
    const text = String(value).trim();
    if (text === '') throw new Error(`context ${name} must not be empty; leave it out for the default`);
    return [[name, text]];
  });
  return Object.fromEntries(given);
}

/** The props that are set by plain values. */
export function propsOf(options: Options): Partial<BullbridgeProps> {
  const props = (SETTINGS as readonly Setting[]).map(({ option, read, readable }) => {
    const text = option && options[option as OptionName];
    if (!text || !read) return {};
    const values = read(text);
    if (values === undefined) throw new Error(`context ${option} must be ${readable}, got "${text}"`);
    return values;
  });
  return Object.assign({}, ...props);
}

/** `true` or `false`. */
export function flagOf(options: Options, name: OptionName): boolean | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new Error(`context ${name} must be true or false, got "${text}"`);
}
