import {
  type Context,
  createTraceState,
  isSpanContextValid,
  type SpanContext,
  trace,
  TraceFlags,
} from '@opentelemetry/api';

/** Headers of a request, or the `ext` of a message. */
export interface Carrier {
  readonly [name: string]: unknown;
}

/** The fields that W3C Trace Context defines. */
export interface TraceFields {
  readonly traceparent: string;
  readonly tracestate?: string;
}

// W3C Trace Context, «traceparent header»: version, trace-id, parent-id, trace-flags; a later version may have more.
const form = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** The context of the span that these fields name; undefined if `traceparent` is not there or malformed, and so ignored. */
export function contextFrom({ traceparent, tracestate }: Carrier, around: Context): Context | undefined {
  const parts = typeof traceparent === 'string' ? form.exec(traceparent) : undefined;
  const [, version, traceId, spanId, flags, more] = parts ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  return trace.setSpanContext(around, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    ...(typeof tracestate === 'string' && { traceState: createTraceState(tracestate) }),
    isRemote: true,
  });
}

/** The fields that name a span; undefined where no SDK gives spans a context. */
export function fieldsOf(span: SpanContext): TraceFields | undefined {
  if (!isSpanContextValid(span)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = span;
  const tracestate = traceState?.serialize() ?? '';
  return {
    traceparent: `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`,
    ...(tracestate !== '' && { tracestate }),
  };
}
