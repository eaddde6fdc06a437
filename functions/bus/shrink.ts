import type { BusEntry } from '../event/entry.ts';
import { truncate } from './truncate.ts';

/**
 * Makes an entry smaller until it fits; one that fits is returned as it is.
 *
 * @param maxBytes as EventBridge counts the size of an entry
 * @throws {PayloadError} where what does not fit cannot be stored elsewhere
 */
export type Shrink = (entry: BusEntry, maxBytes: number, signal: AbortSignal) => Promise<BusEntry>;

/** Without a bucket, what does not fit is cut. */
export const cutToFit: Shrink = async (entry, maxBytes) => truncate(entry, maxBytes);
