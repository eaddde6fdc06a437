import type { VariableName } from '../../functions/settings.ts';

/** The environment variables of a function; a name that the functions do not know does not compile. */
export type Environment = { readonly [Name in VariableName]?: string | undefined };
