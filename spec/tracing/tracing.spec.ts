import { createServer } from 'node:http';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import express from 'express';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { api, newNode, type ServerSettings } from '../../src/index.ts';
import { silent } from '../../src/lib/log.ts';
import { continueTrace, hasSdk, tracing } from '../../src/tracing/tracing.ts';
import { ask, FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket } from '../support/fake-conduit.ts';
import { listening, serverOf, start } from '../support/start.ts';
import { settle } from '../support/until.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';
import { recordSpans, takeSpans } from './recorded-spans.ts';

const traceId = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const parentId = 'bbbbbbbbbbbbbbbb';
const traceparent = `00-${traceId}-${parentId}-01`;
const otherparent = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;

const withTracing = (settings: ServerSettings = {}, ...options: Parameters<typeof tracing>) =>
  serve({ log: silent, ...settings, extensions: [tracing(...options)] });

/** A client, and what its publishes look like as spans: the last one. */
async function spanOf(client: FakeClient, fields: object, conduit?: FakeConduit) {
  takeSpans();
  await client.send(client.message('/a', { data: 1, ...fields }), conduit);
  const spans = takeSpans();
  expect(spans).toHaveLength(1);
  return spans[0];
}

beforeAll(() => {
  expect(hasSdk()).toBe(false);
  recordSpans();
  expect(hasSdk()).toBe(true);
});
beforeEach(() => void takeSpans());

describe('a publish of a client', () => {
  it('is a span by the conventions for messaging', async () => {
    const { server } = withTracing({ channels: { '/chat/*': {} } });
    const client = await FakeClient.connected(server);
    await client.send(client.message('/chat/lobby', { id: 'm1', data: 'hello' }));
    const [span] = takeSpans();
    expect(span).toMatchObject({
      name: 'publish /chat/*',
      kind: SpanKind.SERVER,
      status: { code: SpanStatusCode.UNSET },
      instrumentationScope: { name: 'bayeuxd' },
      ended: true,
    });
    expect(span?.attributes).toEqual({
      'messaging.system': 'bayeux',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': '/chat/lobby',
      'messaging.destination.template': '/chat/*',
      'messaging.message.id': 'm1',
      'messaging.client.id': client.session.id,
      'bayeux.transport': 'long-polling',
    });
    expect(span?.parentSpanContext).toBeUndefined();
  });

  it('has a name with few values: without a rule for the channel, the operation alone', async () => {
    const { server } = withTracing();
    const span = await spanOf(await FakeClient.connected(server), {});
    expect(span?.name).toBe('publish');
    expect(span?.attributes).not.toHaveProperty('messaging.destination.template');
  });

  it('does not show a clientId that stands in the name of the channel', async () => {
    const { server } = withTracing();
    const client = await FakeClient.connected(server);
    const { attributes } = (await spanOf(client, { channel: `/a/${client.clientId}` })) ?? {};
    expect(attributes?.['messaging.destination.name']).toBe('/a/<redacted>');
    expect(JSON.stringify(attributes)).not.toContain(client.clientId);
  });

  it('continues the trace that the message names, before that of the header', async () => {
    const { server } = withTracing();
    const client = await FakeClient.connected(server);
    const conduit = () => exchange({ headers: { traceparent: otherparent } });
    const ext = { traceparent, tracestate: 'one=1,two=2' };
    const named = await spanOf(client, { ext }, conduit());
    expect(named?.spanContext().traceId).toBe(traceId);
    expect(named?.parentSpanContext).toMatchObject({ spanId: parentId, traceFlags: 1, isRemote: true });
    expect(named?.spanContext().traceState?.serialize()).toBe('one=1,two=2');
    const byHeader = await spanOf(client, {}, conduit());
    expect(byHeader?.parentSpanContext?.spanId).toBe('d'.repeat(16));
  });

  it('continues an active span rather than the header, which that span continues itself', async () => {
    const { server } = withTracing();
    const client = await FakeClient.connected(server);
    const parent = trace.getTracer('http').startSpan('POST');
    const span = await context.with(trace.setSpan(context.active(), parent), () =>
      spanOf(client, {}, exchange({ headers: { traceparent } })),
    );
    expect(span?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
  });

  it('on a WebSocket does not continue the trace of the upgrade', async () => {
    const { server } = withTracing();
    const conduit = socket({ headers: { traceparent } });
    const span = await spanOf(await FakeClient.connected(server, conduit), {}, conduit);
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.attributes['bayeux.transport']).toBe('websocket');
  });

  // W3C Trace Context, «Versioning of traceparent» and «traceparent header field values».
  it.each([
    ['another version', 'cc-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01', true],
    ['another version with more', 'cc-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01-more', true],
    ['flags that nobody knows', '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-ff', true],
    ['version 00 with more', '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01-more', false],
    [
      'another version with more without a dash',
      'cc-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01.',
      false,
    ],
    ['version ff', 'ff-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01', false],
    ['capitals', '00-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-bbbbbbbbbbbbbbbb-01', false],
    ['a trace of zeros', '00-00000000000000000000000000000000-bbbbbbbbbbbbbbbb-01', false],
    ['a span of zeros', '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-0000000000000000-01', false],
    ['a short trace', '00-aaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01', false],
    ['a line break', '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01\n', false],
    ['two of them', `${traceparent}, ${traceparent}`, false],
    ['no text', { toString: 1 }, false],
    ['nothing', undefined, false],
  ])('takes or ignores a traceparent with %s', async (_what, given, isTaken) => {
    const { server } = withTracing();
    const ext = { traceparent: given, tracestate: 'one=1' };
    const span = await spanOf(await FakeClient.connected(server), { ext });
    expect(span?.parentSpanContext?.spanId).toBe(isTaken ? parentId : undefined);
    expect(span?.spanContext().traceState?.serialize()).toBe(isTaken ? 'one=1' : undefined);
  });

  it('with a tracestate that is no text is published all the same', async () => {
    const { server } = withTracing();
    const ext = { traceparent, tracestate: [{ toString: 1 }] };
    const span = await spanOf(await FakeClient.connected(server), { ext });
    expect(span?.parentSpanContext?.spanId).toBe(parentId);
  });

  it('that is refused has the error', async () => {
    const { server } = withTracing({ policy: { canPublish: async () => false } });
    const span = await spanOf(await FakeClient.connected(server), {});
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'publish_denied' });
    expect(span?.attributes['error.type']).toBe('publish_denied');
    expect(span?.events).toMatchObject([
      { name: 'exception', attributes: { 'exception.type': 'BayeuxError' } },
    ]);
    expect(span?.ended).toBe(true);
  });

  it('that fails by a fault of the engine has that error', async () => {
    const engine = {
      node: newNode(),
      open: async () => {},
      publish: () => Promise.reject(new RangeError('the bus is full')),
      interest: () => {},
      close: async () => {},
    };
    const { server } = withTracing({ engine });
    const span = await spanOf(await FakeClient.connected(server), {});
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'the bus is full' });
    expect(span?.attributes['error.type']).toBe('RangeError');
  });

  it('without a session has its error too', async () => {
    const { server } = withTracing();
    await ask(server, { channel: '/a', data: 1 });
    expect(takeSpans()).toMatchObject([{ attributes: { 'error.type': 'session_unknown' } }]);
  });

  it('is active in the policy, in listeners and in handlers of calls', async () => {
    const seen: unknown[] = [];
    const see = (who: string) => void seen.push([who, trace.getActiveSpan()?.spanContext().spanId]);
    const { server } = withTracing({
      policy: {
        async canPublish() {
          await settle();
          see('policy');
          return true;
        },
      },
    });
    server.subscribe('/a', () => see('listener'));
    server.onCall('/service/a', () => see('handler'));
    const client = await FakeClient.connected(server);
    const first = await spanOf(client, {});
    const second = await spanOf(client, { channel: '/service/a' });
    expect(seen).toEqual([
      ...['policy', 'listener'].map((who) => [who, first?.spanContext().spanId]),
      ...['policy', 'handler'].map((who) => [who, second?.spanContext().spanId]),
    ]);
    expect(trace.getActiveSpan()).toBeUndefined();
  });

  it('over a real WebSocket is a root, however many come in one turn', async () => {
    const { url } = await start({ extensions: [tracing()], log: silent });
    const client = await WebSocketClient.connected(url);
    await client.ask(client.message('/a', { data: 1 }));
    await client.ask(client.message('/a', { data: 2, ext: { traceparent } }));
    const spans = takeSpans();
    expect(spans.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([undefined, parentId]);
  });
});

describe('a publish of the application', () => {
  it('is the child of the span that is active where it publishes', async () => {
    const { server } = withTracing();
    const tracer = trace.getTracer('application');
    await tracer.startActiveSpan('order', async (order) => {
      await server.publish('/a', 1);
      const session = await server.localSession();
      await session.publish('/b', 2);
      order.end();
    });
    const [first, second, order] = takeSpans();
    for (const span of [first, second])
      expect(span).toMatchObject({
        kind: SpanKind.PRODUCER,
        parentSpanContext: { spanId: order?.spanContext().spanId },
      });
  });

  it('that an extension refuses has the error', async () => {
    const deletes = { name: 'deletes', publishing: () => undefined };
    const { server } = serve({ extensions: [tracing(), deletes] });
    await expect(server.publish('/a', 1)).rejects.toThrow('404::message_deleted');
    expect(takeSpans()).toMatchObject([{ attributes: { 'error.type': 'message_deleted' }, ended: true }]);
  });

  it('is a span for each event of several', async () => {
    const { server } = withTracing();
    await server.publishAll(['/a', '/b'].map((channel) => ({ channel, data: 1 })));
    const spans = takeSpans();
    expect(spans.map(({ attributes }) => attributes['messaging.destination.name'])).toEqual(['/a', '/b']);
    expect(spans.map(({ parentSpanContext }) => parentSpanContext)).toEqual([undefined, undefined]);
  });

  it('by the HTTP API continues the trace of the header', async () => {
    const server = serverOf({ extensions: [tracing()], log: silent });
    const key = 'a-key-of-a-spec';
    const url = await listening(createServer(express().use('/api', continueTrace(), api(server, { key }))));
    const post = (headers: Record<string, string>) =>
      fetch(`${url}/api/publish`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify({ channel: '/a', data: 'x'.repeat(100_000) }),
      });
    for (const headers of [{ traceparent, tracestate: 'one=1' }, { traceparent: 'malformed' }, {}])
      expect(await (await post(headers)).json()).toEqual({ channel: '/a', sessions: 0 });
    const spans = takeSpans();
    expect(spans.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([
      parentId,
      undefined,
      undefined,
    ]);
    expect(spans[0]?.spanContext().traceState?.serialize()).toBe('one=1');
  });

  it('by the HTTP API continues an active span rather than the header', async () => {
    const parent = trace.getTracer('http').startSpan('POST');
    let seen: string | undefined;
    context.with(trace.setSpan(context.active(), parent), () => {
      const head = { headers: { traceparent: otherparent } };
      continueTrace()(Object.create(head), Object.create(null), () => {
        seen = trace.getActiveSpan()?.spanContext().spanId;
      });
    });
    expect(seen).toBe(parent.spanContext().spanId);
  });
});

describe('subscribers', () => {
  const received = async (toSubscribers: readonly string[] | undefined, ext?: object) => {
    const { server } = withTracing(
      { forward: ['traceparent', 'tracestate', 'other'] },
      toSubscribers === undefined ? {} : { toSubscribers },
    );
    const conduit = socket();
    const client = await FakeClient.connected(server, conduit);
    await client.subscribe('/**', conduit);
    takeSpans();
    await client.send(client.message('/a', { data: 1, ...(ext && { ext }) }), conduit);
    await settle();
    const [span] = takeSpans();
    return { event: conduit.messages.find(({ channel, data }) => channel === '/a' && data === 1), span };
  };

  it('get no context unless it is asked for', async () => {
    expect((await received(undefined)).event).not.toHaveProperty('ext');
    expect((await received(['/b', '/a/*'])).event).not.toHaveProperty('ext');
  });

  it.each(['/a', '/*', '/**'])(
    'get the context of the publish where it is asked for: %s',
    async (pattern) => {
      const ext = { traceparent, tracestate: 'one=1', other: 2 };
      const { event, span } = await received([pattern], ext);
      const spanId = span?.spanContext().spanId;
      expect(event?.ext).toEqual({ ...ext, traceparent: `00-${traceId}-${spanId}-01` });
    },
  );

  it('get no tracestate of another trace', async () => {
    const { event, span } = await received(['/a'], { traceparent: 'malformed', tracestate: 'one=1' });
    const { traceId: own, spanId } = span?.spanContext() ?? {};
    expect(event?.ext).toEqual({ traceparent: `00-${own}-${spanId}-01` });
  });
});

it('wrong options are refused', () => {
  const wrong = (options: unknown) => () => Reflect.apply(tracing, undefined, [options]);
  expect(wrong({ toSubscriber: [] })).toThrow('did you mean "toSubscribers"?');
  expect(wrong({ toSubscribers: '/a' })).toThrow(
    'toSubscribers must be a list of channel names and patterns',
  );
  expect(wrong({ toSubscribers: ['/a', '/b*'] })).toThrow('got "/b*"');
});
