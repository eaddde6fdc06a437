/**
 * Another run moved a position or took the lease. It continues where this run stopped, so this run ends without
 * failing.
 */
export class SupersededError extends Error {}
