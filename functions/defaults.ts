/** What the functions do where nothing else is said: whoever writes rules and names metrics for them needs to know it, too. */
export const DEFAULTS = {
  prefix: 'bull',
  sourceName: 'default',
  events: ['completed', 'failed', 'stalled'],
} as const;
