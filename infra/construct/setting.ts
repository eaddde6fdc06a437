import type { Kind } from '../../functions/schemas.ts';
import type { VariableName } from '../../functions/settings.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';
import type { Format } from './formats.ts';
import type { RedisUrlOptions } from './redis-access.ts';

/** A setting under each of its names: a variable of the functions, props of the construct, an option of `cdk`. */
export interface Setting extends Partial<Format>, Partial<Kind<unknown>> {
  readonly variable?: VariableName;
  readonly option?: string;
  /** The prop that the app sets by the option, if the text of the option is not a value of props. */
  readonly prop?: keyof BullbridgeProps | `redis.${keyof RedisUrlOptions}`;
  /** The meaning, for the documentation. Links start at the root of the repository. */
  readonly about: string;
  /** Replaces the default of the variable: a value, or words after a dash. */
  readonly default?: string;
  /** Whether the value must be known at synthesis, because it decides which resources there are. */
  readonly known?: true;
}
