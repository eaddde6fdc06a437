import type { AnyEntry, BusEntry } from '../../event/bus-entry.ts';
import { cut } from './cut.ts';

/**
 * Makes an entry fit into a limit. A detail that is already a text is not changed.
 *
 * @param maxBytes as EventBridge counts the size of an entry
 * @throws {PayloadError} if fields that do not fit cannot be stored in the payload bucket
 */
export type MakeFit = (entry: AnyEntry, maxBytes: number, signal: AbortSignal) => Promise<BusEntry>;

/** Without a bucket, an entry that does not fit is cut. */
export const cutToFit: MakeFit = async (entry, maxBytes) => cut(entry, maxBytes);
