/** Version, trace id, parent id and flags; a later version can have more fields. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/**
 * The trace header of X-Ray for the context that BullMQ's telemetry stored with a job; `undefined` if there is none.
 *
 * The telemetry of BullMQ 5 and 6 stores the context (`getMetadata` of its context manager) in `opts.tm`; with
 * OpenTelemetry, it is JSON with a `traceparent`. The trace is the same: X-Ray only splits its id in two.
 * https://www.w3.org/TR/trace-context/#traceparent-header
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-related-service-xray.html
 * @param carrier `opts.tm`
 * @returns at most 74 characters; AWS allows 500
 */
export function traceHeaderOf(carrier: unknown): string | undefined {
  const [, version, trace = '', parent, flags = '', more] = TRACEPARENT.exec(traceparentIn(carrier)) ?? [];
  if (parent === undefined || (version === '00' && more !== undefined)) return undefined;
  const isSampled = Number.parseInt(flags, 16) & 1;
  return `Root=1-${trace.slice(0, 8)}-${trace.slice(8)};Parent=${parent};Sampled=${isSampled}`;
}

function traceparentIn(carrier: unknown): string {
  if (typeof carrier !== 'string') return '';
  try {
    const { traceparent } = JSON.parse(carrier) ?? {};
    return typeof traceparent === 'string' ? traceparent : '';
  } catch {
    return '';
  }
}
