import { describe, expect, it } from 'vitest';
import { Subscriptions } from '../../src/core/subscriptions.ts';
import type { Engine, Publication } from '../../src/ports/engine.ts';
import { Events } from '../../src/core/events.ts';
import { History } from '../../src/features/history/history.ts';
import type { HistorySettings } from '../../src/ports/history-store.ts';
import { MemoryHistory } from '../../src/features/history/memory-history.ts';
import { withReplay } from '../../src/features/history/with-replay.ts';
import type { LogEvent } from '../../src/lib/log.ts';
import type { Feature } from '../../src/ports/feature.ts';
import { isPromise } from '../../src/lib/maybe-promise.ts';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import { configOf } from '../../src/server-options.ts';
import { Counts } from '../../src/core/counts.ts';
import { Flusher } from '../../src/core/delivery/flusher.ts';
import { Backlog } from '../../src/core/delivery/backlog.ts';
import { Features } from '../../src/core/features.ts';
import { Hooks } from '../../src/core/hooks.ts';
import { Refusals } from '../../src/core/refusals.ts';
import { Publisher } from '../../src/core/publisher.ts';
import type { ServerSettings } from '../../src/server.ts';
import type { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { nodeSide } from '../support/node-side.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { exchange, socket } from '../support/fake-conduit.ts';
import { HeldHistory } from '../support/held-history.ts';
import { settle, until } from '../support/until.ts';

const durable = { '/d/**': { history: true } } as const;

/** A server whose history holds back its answers, the errors it logs, and a subscriber on a socket. */
async function held(settings: ServerSettings = {}) {
  const history = new HeldHistory();
  const logged: LogEvent[] = [];
  const log = (event: LogEvent) => event.level === 'error' && logged.push(event);
  const { server, clock } = serve({ channels: durable, history, log, ...settings });
  await server.open();
  const wire = socket();
  const reader = await FakeClient.connected(server, wire);
  await reader.subscribe(['/d/**', '/plain'], wire);
  return { server, clock, history, logged, wire, reader };
}

/** The publications an engine was given. */
class WatchedEngine extends MemoryEngine implements Engine {
  readonly given: OutgoingEvent[] = [];

  override publish(publication: Publication): void {
    this.given.push(publication.event);
    super.publish(publication);
  }
}

describe('an event with its replay id', () => {
  const stored = { id: 42, at: Date.UTC(2026, 2, 1, 12, 0, 0, 123) };
  const event = { replayId: 42, createdDate: '2026-03-01T12:00:00.123Z' };
  const data = (given: unknown, inject: 'both' | 'data' | 'ext' = 'both') =>
    withReplay({ channel: '/d', data: given }, stored, inject);

  it('says it in data.event and in ext (RP-7, RP-8)', () => {
    expect(data({ sku: 'x1' })).toEqual({ channel: '/d', data: { sku: 'x1', event }, ext: { replayId: 42 } });
    expect(data({ sku: 'x1' }, 'data')).toEqual({ channel: '/d', data: { sku: 'x1', event } });
    expect(data({ sku: 'x1' }, 'ext')).toEqual({ channel: '/d', data: { sku: 'x1' }, ext: { replayId: 42 } });
  });

  it('overwrites those two keys of the publisher, and no other', () => {
    const given = { event: { replayId: -1, createdDate: 'now', type: 'created' }, sku: 'x1' };
    const before = structuredClone(given);
    expect(data(given, 'data').data).toEqual({ sku: 'x1', event: { ...event, type: 'created' } });
    expect(given).toEqual(before);
    expect(withReplay({ channel: '/d', data: 1, ext: { a: 1, replayId: 7 } }, stored, 'both').ext).toEqual({
      a: 1,
      replayId: 42,
    });
  });

  it.each([[null], ['text'], [7], [[1]], [{ event: 'x' }], [{ event: null }], [{ event: [] }], [undefined]])(
    'leaves %j alone, and says it in ext',
    (given) => {
      const left = { channel: '/d', data: given, ext: { replayId: 42 } };
      for (const inject of ['both', 'data', 'ext'] as const) expect(data(given, inject)).toEqual(left);
    },
  );

  it('takes a key named __proto__ for what it is (SEC-7)', () => {
    const given: unknown = JSON.parse('{"__proto__":{"x":1},"event":{"__proto__":{"y":1}}}');
    expect(JSON.stringify(data(given, 'data').data)).toBe(
      `{"__proto__":{"x":1},"event":{"__proto__":{"y":1},"replayId":42,"createdDate":"${event.createdDate}"}}`,
    );
  });
});

describe('a durable channel', () => {
  it('is announced in the handshake reply, beside what the policy says there (RP-1)', async () => {
    const greeting = async (settings: ServerSettings) => {
      const conduit = exchange();
      await FakeClient.open(serve(settings).server, conduit);
      return conduit.reply.ext;
    };
    const policy = { canHandshake: () => ({ allow: true, ext: { user: 'ann' } }) as const };
    expect(await greeting({ channels: durable })).toEqual({ replay: true });
    expect(await greeting({ channels: durable, policy })).toEqual({ user: 'ann', replay: true });
    expect(await greeting({ policy })).toEqual({ user: 'ann' });
    expect(await greeting({ channels: { '/d': { history: false, lazy: true } } })).toBeUndefined();
  });

  it('gives its events an id, and tells the publisher (RP-7, RP-16)', async () => {
    const { server, clock } = serve({ channels: durable });
    const wire = socket();
    const reader = await FakeClient.connected(server, wire);
    await reader.subscribe(['/d/1', '/plain'], wire);
    const writer = await FakeClient.open(server);
    const { reply } = await writer.publish('/d/1', { sku: 'x1' });
    const first = clock.now() * 1000 + 1;
    expect(reply).toMatchObject({ successful: true, ext: { replayId: first } });
    expect((await writer.publish('/plain', 1)).reply).not.toHaveProperty('ext');
    await until(() => wire.events.length === 2);
    const createdDate = new Date(clock.now()).toISOString();
    expect(wire.events).toEqual([
      {
        channel: '/d/1',
        data: { sku: 'x1', event: { replayId: first, createdDate } },
        ext: { replayId: first },
      },
      { channel: '/plain', data: 1 },
    ]);
  });

  it.each(['data', 'ext'] as const)('says it where replay.inject says: %s', async (inject) => {
    const engine = new WatchedEngine();
    const { server } = serve({ channels: durable, engine, replay: { inject } });
    await server.publish('/d/1', {});
    const [event] = engine.given;
    expect(Object.keys(event?.message ?? {})).toEqual(
      inject === 'data' ? ['channel', 'data'] : ['channel', 'data', 'ext'],
    );
    expect(event?.message.data).toEqual(inject === 'data' ? { event: expect.anything() } : {});
  });

  it('keeps what was published as it is delivered, without id and time, and only what was allowed (RP-12)', async () => {
    const history = new MemoryHistory();
    const { server } = serve({
      channels: durable,
      history,
      policy: { canPublish: ({ message }) => 'data' in message && message.data !== 'no' },
      extensions: [{ name: 'stamp', publishing: (event) => ({ ...event, ext: { by: 'us' } }) }],
    });
    const writer = await FakeClient.open(server);
    await writer.publish('/d/1', { a: 1 });
    expect((await writer.publish('/d/1', 'no')).reply.successful).toBe(false);
    await server.publish('/plain', 1);
    expect((await history.read('/**', 0, 10)).map(({ json }) => json)).toEqual([
      '{"channel":"/d/1","data":{"a":1},"ext":{"by":"us"}}',
    ]);
  });

  it('is kept for as long as the most specific rule says', async () => {
    const history = new MemoryHistory();
    const { server, clock } = serve({
      channels: {
        '/d/**': { history: true },
        '/d/few/*': { history: { maxEvents: 2 } },
        '/d/short/*': { history: { maxAge: 5000 } },
        '/d/not/*': { history: false },
      },
      replay: { maxEvents: 3, maxAge: 100_000 },
      history,
    });
    for (let at = 0; at < 5; at += 1) {
      for (const channel of ['/d/x', '/d/few/x', '/d/short/x', '/d/not/x']) await server.publish(channel, at);
    }
    const kept = () =>
      Promise.all(
        ['/d/x', '/d/few/x', '/d/short/x', '/d/not/x'].map(
          async (one) => (await history.read(one, 0, 9)).length,
        ),
      );
    expect(await kept()).toEqual([3, 2, 3, 0]);
    await clock.tick(10_000);
    expect(await kept()).toEqual([3, 2, 0, 0]);
    await clock.tick(150_000);
    expect(history.usage.events).toBe(0);
    await server.close();
  });

  it('does not keep what is volatile, nor give it an id', async () => {
    const history = new MemoryHistory();
    const engine = new WatchedEngine();
    const { server } = serve({ channels: durable, history, engine });
    await server.publish('/d/1', {}, { volatile: true });
    expect(history.usage.events).toBe(0);
    expect(engine.given.map(({ replayId, volatile, message }) => [replayId, volatile, message])).toEqual([
      [undefined, true, { channel: '/d/1', data: {} }],
    ]);
  });

  it('hands events on as its other rules say', async () => {
    const engine = new WatchedEngine();
    const overflow = { action: 'dropOldest', maxEvents: 3 } as const;
    const { server } = serve({ channels: { '/d/**': { history: true, overflow, lazy: 50 } }, engine });
    await server.publish('/d/1', 1);
    await server.publish('/d/2', 2, { lazy: false });
    const [one, two] = engine.given;
    expect([one?.lazy, two?.lazy, one?.overflow]).toEqual([50, false, overflow]);
    expect(one?.overflow).toBe(two?.overflow);
    expect([one?.replayed, one?.volatile]).toEqual([false, false]);
    expect((two?.replayId ?? 0) - (one?.replayId ?? 0)).toBe(1);
  });
});

describe('a channel that is not durable', () => {
  it('has its events handed on as its other rules say', async () => {
    const engine = new WatchedEngine();
    const overflow = { action: 'dropOldest', maxEvents: 3 } as const;
    const { server } = serve({ channels: { '/o': { overflow }, '/l': { lazy: 50 } }, engine });
    for (const channel of ['/o', '/l', '/plain']) await server.publish(channel, 1);
    await server.publish('/l', 1, { lazy: 7, volatile: true });
    expect(engine.given.map((one) => [one.overflow, one.lazy, one.volatile, one.replayId])).toEqual([
      [overflow, false, false, undefined],
      [undefined, 50, false, undefined],
      [undefined, false, false, undefined],
      [undefined, false, true, undefined],
    ]);
  });
});

describe('a store that takes its time', () => {
  it('has events delivered, and publishers answered, when they are stored (RP-9)', async () => {
    const { server, history, wire } = await held();
    const writer = await FakeClient.open(server);
    const answer = exchange();
    const asked = writer.publish('/d/1', 'one', answer);
    await settle();
    expect([answer.messages, wire.data, history.appends.length]).toEqual([[], [], 1]);
    history.appends[0]?.store();
    await asked;
    expect(answer.reply).toMatchObject({ successful: true, ext: { replayId: history.newest } });
    await until(() => wire.data.length === 1);
  });

  it('has them delivered by id, in whatever order they are stored', async () => {
    const { server, history, wire } = await held();
    const published = [0, 1, 2, 3].map((data) => server.publish('/d/1', data));
    const volatile = server.publish('/d/1', 'volatile', { volatile: true });
    published.push(server.publish('/d/2', 4));
    await until(() => history.appends.length === 5);
    for (const at of [3, 1, 4]) history.appends[at]?.store();
    await settle();
    expect(wire.data).toEqual([]);
    history.appends[0]?.store();
    await Promise.all([published[0], published[1]]);
    await settle();
    expect(wire.data).toEqual([0, 1]);
    history.appends[2]?.store();
    await Promise.all([...published, volatile]);
    await until(() => wire.data.length === 6);
    expect(wire.data).toEqual([0, 1, 2, 3, 'volatile', 4]);
    const ids = wire.events.flatMap(({ ext }) => (ext === undefined ? [] : JSON.stringify(ext)));
    expect(ids).toEqual([...ids].sort());
  });

  it('makes no other channel wait', async () => {
    const { server, history, wire } = await held();
    const stuck = server.publish('/d/1', 'stuck');
    await server.publish('/plain', 'free');
    await until(() => wire.data.length === 1);
    history.appends[0]?.store();
    await stuck;
  });

  it('fails the publish it cannot store, and that alone', async () => {
    const { server, history, wire, logged } = await held();
    const writer = await FakeClient.open(server);
    const first = server.publish('/d/1', 'first');
    const refused = writer.publish('/d/1', 'refused');
    const lost = server.publish('/d/1', 'lost');
    const last = server.publish('/d/1', 'last');
    await until(() => history.appends.length === 4);
    const full = new Error('disk full');
    history.appends[1]?.fail(full);
    history.appends[2]?.fail(full);
    history.appends[3]?.store();
    const outcome = expect(lost).rejects.toBe(full);
    await settle();
    expect(wire.data).toEqual([]);
    history.appends[0]?.store();
    await Promise.all([first, last, outcome]);
    expect((await refused).reply).toMatchObject({ successful: false, error: '500::server_error' });
    expect(logged).toEqual([
      expect.objectContaining({ event: 'request.failed', channel: '/d/1', error: full }),
    ]);
    await until(() => wire.data.length === 2);
    expect(wire.data).toEqual(['first', 'last']);
  });

  it('has what is published before it is open wait, in order', async () => {
    const history = new HeldHistory();
    let open = (): void => {};
    history.opening = new Promise((resolve) => {
      open = resolve;
    });
    const engine = new WatchedEngine();
    const { server } = serve({ channels: durable, history, engine });
    const published = [1, 2].map((data) => server.publish('/d/1', data));
    await settle();
    expect(history.calls).toEqual(['open']);
    open();
    await server.open();
    await until(() => history.appends.length === 2);
    for (const one of history.appends) one.store();
    await Promise.all(published);
    expect(engine.given.map(({ message }) => message.data)).toEqual([1, 2]);
    await server.close();
  });

  it('that cannot be opened fails the server’s opening and durable publishes, nothing else', async () => {
    const history = new HeldHistory();
    history.failing = 'open';
    const logged: LogEvent[] = [];
    const engine = new WatchedEngine();
    const { server, clock } = serve({
      channels: durable,
      history,
      engine,
      log: (event) => void logged.push(event),
    });
    // Nobody has to have called it by then.
    await settle();
    await expect(server.open()).rejects.toThrow('no such store');
    await expect(server.publish('/d/1', 1)).rejects.toThrow('no such store');
    await server.publish('/plain', 2);
    expect(engine.given.map(({ message }) => message.data)).toEqual([2]);
    expect(logged.map(({ level, event }) => [level, event])).toEqual([['error', 'history.failed']]);
    await server.close();
    expect([history.calls, clock.pending]).toEqual([['open'], 0]);
  });

  it('is swept every minute until the server closes, whether or not that succeeds', async () => {
    const { server, clock, history, logged } = await held();
    const swept = () => history.calls.filter((call) => call === 'expire').length;
    await clock.tick(59_999);
    expect(swept()).toBe(0);
    await clock.tick(1);
    expect(swept()).toBe(1);
    history.failing = 'expire';
    await clock.tick(60_000);
    expect(logged.map(({ event }) => event)).toEqual(['history.expire_failed']);
    history.failing = undefined;
    await clock.tick(60_000);
    expect(swept()).toBe(3);
    await server.close();
    await clock.tick(200_000);
    expect([swept(), clock.pending]).toEqual([3, 0]);
  });

  it('is swept more often where less is kept, though not all the time', async () => {
    const sweeps = async (maxAge: number) => {
      const { server, clock, history } = await held({ channels: { '/d/**': { history: { maxAge } } } });
      await clock.tick(30_000);
      await server.close();
      return history.calls.filter((call) => call === 'expire').length;
    };
    expect([await sweeps(10_000), await sweeps(50)]).toEqual([3, 30]);
  });

  it('is closed once all is stored that was being stored', async () => {
    const { server, history } = await held();
    const published = [1, 2].map((data) => server.publish('/d/1', data));
    await until(() => history.appends.length === 2);
    const closed = server.close();
    history.appends[1]?.store();
    await settle();
    expect(history.calls).not.toContain('close');
    history.appends[0]?.store();
    await Promise.all([closed, ...published]);
    expect(history.calls.at(-1)).toBe('close');
  });

  it('is closed once what is too old was discarded, and then left alone', async () => {
    const { server, history, clock } = await held();
    let expire = (): void => {};
    history.expiring = new Promise<void>((resolve) => {
      expire = resolve;
    });
    await clock.tick(60_000);
    const closed = server.close();
    await settle();
    expect(history.calls).toEqual(['open', 'expire']);
    expire();
    await closed;
    expect(history.calls).toEqual(['open', 'expire', 'close']);
    expect(clock.pending).toBe(0);
  });

  it('is not waited for longer than shutdownGrace', async () => {
    const { server, history, clock } = await held({ shutdownGrace: 1000 });
    const stuck = server.publish('/d/1', 1);
    await until(() => history.appends.length === 1);
    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    await clock.tick(999);
    expect(closed).toBe(false);
    await clock.tick(1);
    await closing;
    expect(clock.pending).toBe(0);
    history.appends[0]?.store();
    await stuck;
  });
});

describe('history', () => {
  async function opened(store = new MemoryHistory()) {
    const clock = new FakeClock();
    const { options, rules } = configOf({ channels: durable });
    const history = new History(store, { options: options.replay, rules, clock, log: () => {} });
    await history.open();
    return { history, clock, store };
  }

  it('costs no promise where the store answers at once', async () => {
    const { history } = await opened();
    const handed: OutgoingEvent[] = [];
    for (const data of [1, 2]) {
      const recorded = history.record({ channel: '/d/1', data }, {}, (event) => handed.push(event));
      expect(isPromise(recorded)).toBe(false);
    }
    expect(handed.map(({ replayId }) => replayId)).toEqual([history.newest - 1, history.newest]);
    expect(isPromise(history.read('/d/1', 0, 10))).toBe(false);
    expect(isPromise(history.range('/d/1'))).toBe(false);
    await history.close();
  });

  it('does not wait for an engine to accept one event before it hands on the next', async () => {
    const { history } = await opened();
    let accept = (): void => {};
    const accepted = new Promise<void>((resolve) => {
      accept = resolve;
    });
    const first = history.record({ channel: '/d/1', data: 1 }, {}, () => accepted);
    const handed: unknown[] = [];
    await history.record({ channel: '/d/1', data: 2 }, {}, ({ message }) => handed.push(message.data));
    expect(handed).toEqual([2]);
    accept();
    await first;
    await history.close();
  });

  it('reads back what was delivered, the same to the byte', async () => {
    const { history, clock } = await opened();
    const delivered: OutgoingEvent[] = [];
    for (const [at, data] of [{ a: 1 }, 'text', null, { event: { x: '\u2028' } }].entries()) {
      await clock.tick(7);
      await history.record({ channel: `/d/${at % 2}`, data, ext: { a: at } }, { lazy: true }, (event) => {
        delivered.push(event);
        history.delivering(event.replayId ?? 0);
      });
    }
    const read = await history.read('/d/*', 0, 10);
    expect(read.map(({ json }) => json)).toEqual(delivered.map(({ json }) => json));
    expect(read.map(({ replayId }) => replayId)).toEqual(delivered.map(({ replayId }) => replayId));
    expect(read.map(({ lazy, replayed, overflow }) => [lazy, replayed, overflow])).toEqual(
      Array.from({ length: 4 }, () => [false, true, undefined]),
    );
    expect(delivered.every(({ replayed }) => !replayed)).toBe(true);
    await history.close();
  });

  it('reads nothing that is still to be delivered', async () => {
    const { history, store } = await opened();
    const before = store.append('/d/1', '{"channel":"/d/1","data":"before"}');
    expect(await history.read('/d/1', 0, 10)).toEqual([]);
    history.delivering(before.id);
    history.delivering(before.id - 1);
    store.append('/d/1', '{"channel":"/d/1","data":"after"}');
    expect((await history.read('/d/1', 0, 10)).map(({ message }) => message.data)).toEqual(['before']);
    expect([history.deliveredThrough, history.newest]).toEqual([before.id, before.id + 1]);
    await history.close();
  });

  it('knows what was handed to the sessions of this node', async () => {
    const { history } = await opened();
    const log = () => {};
    const engine = new MemoryEngine();
    const events = new Events(log);
    const clock = new FakeClock();
    const refusals = new Refusals(clock, log);
    const { options, rules } = configOf({ channels: durable });
    const subscriptions = new Subscriptions({
      engine,
      events,
      log,
      refusals,
      engineLimit: { clock, engineTimeout: 1 },
      maxBytes: options.maxSubscriptionBytes,
    });
    const recording: Feature = {
      name: 'history',
      accepting: (event, how, next) => history.record(event, how, next),
      arriving: ({ replayId }) => history.delivering(replayId ?? 0),
    };
    const counts = new Counts(rules.patterns.length);
    const publisher = new Publisher({
      counts,
      flusher: new Flusher(clock, counts.flushes),
      ...{ engine, rules, subscriptions, events, options, engineLimit: { clock, engineTimeout: 1 } },
      hooks: new Hooks([], [], log, { clock, hookTimeout: 1 }),
      features: new Features([recording]),
      backlog: new Backlog(options.maxQueuedBytes, [], clock, refusals),
      sessions: { byId: () => undefined },
    });
    await engine.open(nodeSide({ timeout: 1, deliver: publisher.deliver }));
    const before = history.deliveredThrough;
    expect(before).toBe(history.newest);
    const { replayId } = await publisher.publish({ channel: '/d/1', data: 1 }, undefined, {
      handedOver() {},
    });
    expect([history.deliveredThrough, history.newest]).toEqual([replayId, replayId]);
    await history.close();
  });

  it('that was there before this server may be read at once, and goes on', async () => {
    const store = new MemoryHistory();
    const one = serve({ channels: durable, history: store });
    await one.server.publish('/d/1', { a: 1 });
    await one.server.close();
    const { history } = await opened(store);
    expect((await history.read('/d/*', 0, 10)).map(({ message }) => message.data)).toEqual([
      { a: 1, event: expect.objectContaining({ replayId: store.newest }) },
    ]);
    await history.close();
  });

  it('stores nothing once it is closed', async () => {
    const { history, store, clock } = await opened();
    await history.close();
    expect(() => history.record({ channel: '/d/1', data: 1 }, {}, () => {})).toThrow('closed');
    expect([store.usage.events, clock.pending]).toEqual([0, 0]);
  });

  it('is not there when no rule asks for it', async () => {
    const history = new HeldHistory();
    const { server, clock } = serve({ channels: { '/d': { history: false }, '/**': { lazy: 5 } }, history });
    await server.open();
    const writer = await FakeClient.open(server);
    await writer.disconnect();
    await server.publish('/d', 1);
    expect(clock.pending).toBe(0);
    await server.close();
    expect(history.calls).toEqual([]);
  });

  it('keeps what no rule speaks of any more as long as it keeps by default, and nothing a rule excludes', async () => {
    class Asked extends MemoryHistory {
      settings: HistorySettings | undefined;

      override open(settings: HistorySettings): Promise<void> {
        this.settings = settings;
        return super.open(settings);
      }
    }
    const history = new Asked();
    const channels = { '/d/**': { history: { maxEvents: 5 } }, '/d/off': { history: false } } as const;
    const { server } = serve({ channels, history, replay: { maxEvents: 7, maxAge: 1000 } });
    await server.open();
    expect(['/d/a', '/d/off', '/gone'].map((channel) => history.settings?.retention(channel))).toEqual([
      { maxEvents: 5, maxAge: 1000 },
      undefined,
      expect.objectContaining({ maxEvents: 7, maxAge: 1000 }),
    ]);
    await server.close();
  });

  it('gives ids in the order in which they are delivered, also while the store is only just open', async () => {
    const { server } = serve({ channels: durable });
    const delivered: unknown[] = [];
    server.on('published', ({ data }) => delivered.push(data));
    const all: Promise<unknown>[] = [];
    for (let at = 0; at < 20; at += 1) {
      all.push(server.publish('/d/1', { at }));
      await Promise.resolve();
    }
    await Promise.all(all);
    expect(delivered).toMatchObject(delivered.map((_, at) => ({ at })));
    const ids = delivered.map((data) => (data as { event: { replayId: number } }).event.replayId);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(ids).toHaveLength(20);
  });
});
