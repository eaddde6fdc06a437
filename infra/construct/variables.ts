import type { VariableName } from '../../functions/settings.ts';

/** The variables of a function's environment; a name that the functions do not know does not compile. */
export type Environment = { readonly [Name in VariableName]?: string | undefined };
