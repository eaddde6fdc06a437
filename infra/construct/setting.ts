import type { Kind } from '../../functions/schemas.ts';
import type { VariableName } from '../../functions/settings.ts';
import type { Format } from './formats.ts';

/**
 * A setting, by the names that it has: a variable of the functions, props of the construct, an option of
 * `cdk deploy -c`.
 */
export interface Setting extends Partial<Format>, Partial<Kind<unknown>> {
  readonly variable?: VariableName;
  readonly option?: string;
  /** What it means. Links are from the root of the repository. */
  readonly about: string;
  /** In place of the variable's own: a value, or words behind a dash. */
  readonly default?: string;
  /** Whether it decides which resources there are, so that it must be known at synthesis. */
  readonly known?: true;
}
