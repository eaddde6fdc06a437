import { type Duration, Token } from 'aws-cdk-lib';
import type { Kind } from '../../functions/schemas.ts';
import { VARIABLES, type Variable } from '../../functions/settings.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';
import type { Setting } from './setting.ts';
import { SETTINGS } from './settings.ts';
import type { Environment } from './variables.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
const MAX_BYTES = 4096;
/** Estimated length of an ARN, a URL or a name that is known only at deployment. */
const TOKEN_BYTES = 100;

/**
 * The variables of the given props, checked as the functions check them; for other props, the functions have defaults.
 *
 * @throws Error that names the prop, the given value and the allowed values
 */
export function settingsOf(props: BullbridgeProps): Environment {
  const environment: Record<string, string> = {};
  for (const setting of SETTINGS as readonly Setting[]) {
    const value = setting.print?.(props);
    if (value === undefined) continue;
    checkValue(setting, value, props);
    if (setting.variable) environment[setting.variable] = value;
  }
  return environment;
}

/** A prop, or its default in the table. */
export function propOf<Prop extends keyof BullbridgeProps>(
  props: BullbridgeProps,
  prop: Prop,
): NonNullable<BullbridgeProps[Prop]> {
  const setting = (SETTINGS as readonly Setting[]).find(({ props: names }) => names?.includes(prop));
  const text = setting && defaultOf(setting);
  const value = props[prop] ?? (text === undefined ? undefined : setting?.read?.(text)?.[prop]);
  if (value === undefined) throw new Error(`the prop ${prop} has no default`);
  return value;
}

/** The default of a setting as text: its own, or the default of its variable. */
export function defaultOf({ variable, default: own }: Setting): string | undefined {
  const known: Variable<unknown> | undefined = variable && VARIABLES[variable];
  return own ?? known?.default;
}

/** The allowed values of a setting: its own, or those of its variable. */
export function kindOf({ schema, allowed, variable }: Setting): Kind<unknown> | undefined {
  const own = variable && VARIABLES[variable];
  const known = { schema: schema ?? own?.schema, allowed: allowed ?? own?.allowed };
  return known.schema && known.allowed ? { schema: known.schema, allowed: known.allowed } : undefined;
}

/** The variables that are set. @throws Error if they are too long for Lambda */
export function given(environment: Environment): Record<string, string> {
  const set = Object.entries(environment).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const sizes = set.map(([name, value]) => {
    const bytes = Token.isUnresolved(value) ? TOKEN_BYTES : Buffer.byteLength(value);
    return [name, name.length + bytes] as const;
  });
  const bytes = sizes.reduce((sum, [, size]) => sum + size, 0);
  const [longest] = sizes.sort(([, a], [, b]) => b - a);
  if (bytes <= MAX_BYTES || longest === undefined) return Object.fromEntries(set);
  const [name, size] = longest;
  const { props, option = 'redisCaFile' } = (SETTINGS as readonly Setting[]).find((row) => row.variable === name) ?? {};
  throw new Error(
    `the environment of a function must be at most ${MAX_BYTES} bytes (a limit of Lambda), got about ${bytes}; ${name} takes ${size} of them: shorten ${props?.[0] ?? option}`,
  );
}

function checkValue(setting: Setting, text: string, props: BullbridgeProps): void {
  const prop = setting.props?.[0];
  if (Token.isUnresolved(text)) {
    if (setting.known) throw new Error(`${prop} must be known at synthesis, got a token`);
    return;
  }
  const kind = kindOf(setting);
  if (prop === undefined || kind === undefined || kind.schema.safeParse(text).success) return;
  throw new Error(`${prop} must be ${kind.allowed}, got ${shown(props[prop])}`);
}

function shown(value: unknown): string {
  const isDuration = typeof value === 'object' && value !== null && 'toHumanString' in value;
  return isDuration ? (value as Duration).toHumanString() : `${JSON.stringify(value)}`;
}
