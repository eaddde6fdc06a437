/** Another run moved a position or took the lease. It continues where this run was, so this run ends, and has not failed. */
export class SupersededError extends Error {}
