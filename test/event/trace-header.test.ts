import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { traceHeaderOf } from '../../functions/event/trace-header.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const carrier = (traceparent: unknown) => JSON.stringify({ traceparent, tracestate: 'a=b' });

describe('a trace header', () => {
  test.each([
    ['sampled', `00-${TRACE}-${SPAN}-01`, 1],
    ['not sampled', `00-${TRACE}-${SPAN}-00`, 0],
    ['of flags that are not known', `00-${TRACE}-${SPAN}-ff`, 1],
    ['of a later version', `01-${TRACE}-${SPAN}-02-more`, 0],
  ])('names the trace and the span: %s', (_, traceparent, sampled) => {
    expect(traceHeaderOf(carrier(traceparent))).toBe(
      `Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=${sampled}`,
    );
  });

  test.each([
    ['no carrier', undefined],
    ['another carrier', { traceparent: `00-${TRACE}-${SPAN}-01` }],
    ['no JSON', `00-${TRACE}-${SPAN}-01`],
    ['null', 'null'],
    ['no traceparent', '{}'],
    ['a traceparent that is no text', carrier(7)],
    ['a version that is not allowed', carrier(`ff-${TRACE}-${SPAN}-01`)],
    ['more than its version has', carrier(`00-${TRACE}-${SPAN}-01-more`)],
    ['no trace', carrier(`00-${'0'.repeat(32)}-${SPAN}-01`)],
    ['no span', carrier(`00-${TRACE}-${'0'.repeat(16)}-01`)],
    ['capitals', carrier(`00-${TRACE.toUpperCase()}-${SPAN}-01`)],
  ])('is not made of %s', (_, given) => {
    expect(traceHeaderOf(given)).toBeUndefined();
  });

  test.prop([fc.oneof(fc.string(), fc.json(), fc.anything(), fc.string().map(carrier))])(
    'is nothing else, whatever the carrier is',
    (given) => {
      expect(traceHeaderOf(given) ?? '').toMatch(/^(Root=1-[\da-f]{8}-[\da-f]{24};Parent=[\da-f]{16};Sampled=[01])?$/);
    },
  );
});
