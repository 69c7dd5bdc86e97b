import { describe, expect, expectTypeOf, it } from 'vitest';
import * as api from '../src/index.ts';
import * as metrics from '../src/metrics/metrics.ts';
import * as redis from '../src/redis/redis-engine.ts';
import * as testing from '../src/testing/index.ts';
import type {
  Conduit,
  Directory,
  Engine,
  Extension,
  HandshakeAnswer,
  Listener,
  LocalSession,
  Log,
  Middleware,
  Policy,
  Publication,
  PolicyRequest,
  ServerEvents,
  ServerOptions,
  ServerSettings,
  Session,
  SessionState,
} from '../src/index.ts';

describe('what the package exports', () => {
  it('is this, by name', () => {
    expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
      [
        "BayeuxError",
        "EngineUnavailable",
        "MemoryEngine",
        "MemoryHistory",
        "Outgoing",
        "OutgoingEvent",
        "OutgoingReply",
        "PeerDirectory",
        "Server",
        "UnreachableError",
        "UsageError",
        "api",
        "bayeux",
        "dashboard",
        "decodeEnvelope",
        "encodeEnvelope",
        "errors",
        "health",
        "hostGuard",
        "newNode",
        "questionOf",
      ]
    `);
  });

  it('is this for tests, by name', () => {
    expect(Object.keys(testing).sort()).toEqual([
      'clockContract',
      'clusterContract',
      'engineContract',
      'fakeClock',
      'historyStoreContract',
      'startTestServer',
    ]);
    expectTypeOf<testing.FakeClock>().toExtend<api.Clock>();
    expectTypeOf<testing.TestServer['server']>().toEqualTypeOf<api.Server>();
  });

  it('is this for Prometheus, by name', () => {
    expect(Object.keys(metrics).sort()).toEqual(['addMetrics', 'metrics']);
  });

  it('is this for several nodes, by name', () => {
    expect(Object.keys(redis)).toEqual(['redisEngine']);
    expectTypeOf(redis.redisEngine).returns.toEqualTypeOf<Engine>();
  });

  it('is a server that takes options and parts', () => {
    expectTypeOf<typeof api.Server>().toBeConstructibleWith({
      timeout: 1,
      policy: { canPublish: () => true },
      extensions: [],
    });
    expectTypeOf<ServerSettings>().toExtend<ServerOptions>();
    expectTypeOf<api.Server['open']>().returns.toEqualTypeOf<Promise<void>>();
    expectTypeOf<api.Server['close']>().returns.toEqualTypeOf<Promise<void>>();
    expectTypeOf<api.Server['localSession']>().returns.toEqualTypeOf<Promise<LocalSession>>();
    expectTypeOf<ReturnType<api.Server['session']>>().toExtend<Session | undefined>();
    expectTypeOf<api.Server['subscribe']>().parameters.toEqualTypeOf<[pattern: string, listener: Listener]>();
    expectTypeOf<api.Server['directory']>().toEqualTypeOf<Directory>();
  });

  it('is a handler, and two ways to take what comes to an HTTP server', () => {
    expectTypeOf(api.bayeux).returns.toEqualTypeOf<Middleware>();
    expectTypeOf<api.Server['handler']>().returns.toEqualTypeOf<Middleware>();
    expectTypeOf<api.Server['attach']>().returns.toEqualTypeOf<() => void>();
    expectTypeOf<api.Server['attachUpgrades']>().parameters.toEqualTypeOf<Parameters<api.Server['attach']>>();
  });

  it('is events with what belongs to them', () => {
    type Name =
      | 'session.opened'
      | 'session.closed'
      | 'channel.subscribed'
      | 'channel.unsubscribed'
      | 'published'
      | 'overflow';
    expectTypeOf<Name>().toExtend<keyof ServerEvents>();
    expectTypeOf<ServerEvents['session.closed']>().toHaveProperty('reason');
    expectTypeOf<SessionState>().toEqualTypeOf<'new' | 'idle' | 'held' | 'gone'>();
  });

  it('is ports that anyone can fill', () => {
    expectTypeOf<api.MemoryEngine>().toExtend<Engine>();
    expectTypeOf<Parameters<Engine['publish']>>().toEqualTypeOf<[publication: Publication]>();
    expectTypeOf<{ name: string }>().toExtend<Extension>();
    expectTypeOf<{ canPublish: (request: PolicyRequest) => boolean }>().toExtend<Policy>();
    expectTypeOf<Policy>().toExtend<{
      canHandshake?(request: PolicyRequest): HandshakeAnswer | Promise<HandshakeAnswer>;
    }>();
    expectTypeOf<(event: { level: string; event: string }) => void>().toExtend<Log>();
    expectTypeOf<Conduit['shape']>().toEqualTypeOf<'exchange' | 'socket' | 'stream'>();
  });
});
