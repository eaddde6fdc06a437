import type { AnyEntry, BusEntry } from '../../event/entry.ts';
import { cut } from './cut.ts';

/**
 * Makes an entry fit. A detail that is text already is not changed.
 *
 * @param maxBytes as EventBridge counts the size of an entry
 * @throws {PayloadError} where what does not fit cannot be stored elsewhere
 */
export type MakeFit = (entry: AnyEntry, maxBytes: number, signal: AbortSignal) => Promise<BusEntry>;

/** Without a bucket, what does not fit is cut. */
export const cutToFit: MakeFit = async (entry, maxBytes) => cut(entry, maxBytes);
