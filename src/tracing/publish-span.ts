import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { andThen, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import type { Work } from '../ports/session.ts';
import { BayeuxError } from '../protocol/errors.ts';
import { contextFrom } from './trace-context.ts';

/** Publishes inside a span, which ends with the work. */
export function publishInSpan(tracer: Tracer, work: Work, next: () => MaybePromise<unknown>): void {
  const parent = parentOf(work);
  const { pattern } = work;
  const name = pattern === undefined ? 'publish' : `publish ${pattern}`;
  const span = tracer.startSpan(name, { kind: kindOf(work), attributes: attributesOf(work) }, parent);
  context.with(trace.setSpan(parent, span), () => {
    void recover(
      () => andThen(next(), () => span.end()),
      (error) => fail(span, error),
    );
  });
}

// The message names its own parent. A span of this process, such as that of the HTTP request, comes before the header that it
// continues itself. A WebSocket lives long: the header of its upgrade is no parent of what comes later.
function parentOf({ request, arrival }: Work): Context {
  const active = context.active();
  const named = request.ext && contextFrom(request.ext, active);
  if (named !== undefined || trace.getSpan(active) !== undefined) return named ?? active;
  const { conduit } = arrival ?? {};
  const header = conduit?.shape === 'exchange' ? contextFrom(conduit.request.headers, active) : undefined;
  return header ?? active;
}

function kindOf({ arrival }: Work): SpanKind {
  const isOwn = arrival === undefined || arrival.conduit.transport === 'in-process';
  return isOwn ? SpanKind.PRODUCER : SpanKind.SERVER;
}

// OpenTelemetry semantic conventions, «messaging spans».
function attributesOf(work: Work): Attributes {
  const { request, arrival, pattern } = work;
  return {
    'messaging.system': 'bayeux',
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.destination.name': withoutSecret(work, request.channel),
    ...(pattern !== undefined && { 'messaging.destination.template': pattern }),
    ...(request.id !== undefined && { 'messaging.message.id': String(request.id) }),
    ...(arrival?.session !== undefined && { 'messaging.client.id': arrival.session.id }),
    ...(arrival !== undefined && { 'bayeux.transport': arrival.conduit.transport }),
  };
}

// SEC-2: a client may have its own secret stand in the name of a channel.
function withoutSecret({ request: { clientId } }: Work, text: string): string {
  return clientId ? text.replaceAll(clientId, '<redacted>') : text;
}

function fail(span: Span, error: unknown): void {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const type = error instanceof BayeuxError ? error.code : name;
  span.setAttribute('error.type', type);
  // The text of a refusal has the channel, which the span has already.
  if (error instanceof BayeuxError) span.recordException({ name, message: error.detail ?? type });
  else if (error instanceof Error) span.recordException(error);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof BayeuxError ? type : message });
  span.end();
}
