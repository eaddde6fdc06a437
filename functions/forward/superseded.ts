/** Another run moved a position or took the lease: it goes on where this one was, so this one ends, and has not failed. */
export class SupersededError extends Error {}
