/**
 * Spans for OpenTelemetry.
 *
 * @module bayeuxd/tracing
 */

import { context, isSpanContextValid, trace } from '@opentelemetry/api';
import type { Middleware } from '../http/middleware.ts';
import { checkNames } from '../lib/known-names.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { Extension } from '../ports/session.ts';
import { ChannelGrammar, covers } from '../protocol/channel.ts';
import type { Event } from '../protocol/message.ts';
import { publishInSpan } from './publish-span.ts';
import { contextFrom, fieldsOf } from './trace-context.ts';

/** The options of `tracing`. */
export interface TracingOptions {
  /**
   * Channel names and patterns whose events carry the context of the publish, so that subscribers can continue the trace:
   * `ext.traceparent`, and `ext.tracestate` if there is one. By default none.
   */
  readonly toSubscribers?: readonly string[];
}

const tracer = trace.getTracer('bayeuxd');

/**
 * An extension that makes a span for each publish, by the global tracer provider of OpenTelemetry. The span continues the W3C trace
 * context in the `ext` of the message, or in the header of its HTTP request, and is active while the server works on the publish.
 * Throws `UsageError` for wrong options.
 */
export function tracing(options: TracingOptions = {}): Extension {
  const patterns = patternsOf(options);
  return {
    name: 'tracing',
    kinds: ['publish'],
    around: (work, next) => publishInSpan(tracer, work, next),
    ...(patterns.length > 0 && {
      publishing: (event) =>
        patterns.some((pattern) => covers(pattern, event.channel)) ? withContext(event) : event,
    }),
  };
}

/**
 * Continues the W3C trace context in the headers of a request for what follows, such as the HTTP API:
 * `app.use('/api', continueTrace(), api(server, { key }))`. Where an instrumentation of HTTP did so already, this does nothing.
 */
export function continueTrace(): Middleware {
  return (req, _res, next) => {
    const active = context.active();
    const header = trace.getSpan(active) === undefined ? contextFrom(req.headers, active) : undefined;
    context.with(header ?? active, () => next?.());
  };
}

/** Whether an OpenTelemetry SDK is there. Without one, spans go nowhere. */
export function hasSdk(): boolean {
  return isSpanContextValid(tracer.startSpan('publish').spanContext());
}

function patternsOf(options: TracingOptions): readonly string[] {
  checkNames(options, { what: 'the options of tracing', functions: [], others: ['toSubscribers'] });
  const { toSubscribers = [] } = options;
  const wrong = Array.isArray(toSubscribers) ? toSubscribers.find((one) => !isPattern(one)) : toSubscribers;
  if (wrong === undefined) return toSubscribers;
  throw new UsageError(
    `toSubscribers must be a list of channel names and patterns, got ${shown(wrong)}: write tracing({ toSubscribers: ['/orders/**'] })`,
  );
}

const grammar = new ChannelGrammar({
  channelNames: 'cometd',
  maxChannelLength: 1_000,
  maxChannelSegments: 100,
});

function isPattern(given: unknown): boolean {
  return typeof given === 'string' && grammar.isNameOrPattern(given);
}

function withContext(event: Event): Event {
  const span = trace.getActiveSpan();
  const fields = span && fieldsOf(span.spanContext());
  if (fields === undefined) return event;
  const { traceparent: _, tracestate: __, ...ext } = event.ext ?? {};
  return { ...event, ext: { ...ext, ...fields } };
}
