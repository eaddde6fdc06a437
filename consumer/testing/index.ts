import { compilePattern } from './event-pattern.ts';

export { aBatch, aLoss, anEvent, type DetailOf, type TestEvent, type TestRecord } from './events.ts';
export { InvalidPatternError } from './value-matchers.ts';

/**
 * Whether a rule of EventBridge with this event pattern matches an event.
 *
 * @throws {InvalidPatternError} for a pattern that EventBridge refuses
 */
export function matchesRule(pattern: unknown, event: object): boolean {
  return compilePattern(pattern)(event);
}
