import { isLarge, type LargeEntry } from '../../../functions/event/bus-entry.ts';
import { decode } from '../../../functions/event/decode.ts';
import { busEntriesOf } from '../../../functions/event/envelope.ts';
import { jsonField } from '../../../functions/event/field.ts';
import { Elided } from '../../../functions/redis/port.ts';
import type { Value } from '../../../functions/stream/entry.ts';

const origin = { sourceName: 'default', prefix: 'bull', queue: 'emails' };

/** An entry that may have to be cut, however small it is. */
export function largeEntry(...texts: (string | Value)[]): LargeEntry {
  const values = texts.map((text) => (text instanceof Elided ? text : Buffer.from(text)));
  const entry = busEntriesOf(origin)({ id: '1795398834833-0', fields: values }, 7);
  if (isLarge(entry)) return entry;
  const small = busEntriesOf(origin)({ id: '1795398834833-0', fields: [] }, 7);
  const { fields, unparsed } = decode(values);
  return {
    ...entry,
    Detail: {
      id: JSON.parse(entry.Detail).id,
      envelope: `${small.Detail}`.slice(0, -1),
      fields: [...fields, ...(unparsed.length > 0 ? [jsonField('unparsed', unparsed)] : [])],
    },
  };
}
