/** The defaults that the construct also needs, for rules and metrics. */
export const DEFAULTS = {
  prefix: 'bull',
  sourceName: 'default',
  events: ['completed', 'failed', 'stalled'],
} as const;
