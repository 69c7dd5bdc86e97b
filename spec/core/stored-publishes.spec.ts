import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import type { Engine, Publication } from '../../src/ports/engine.ts';
import type { ServerSettings } from '../../src/server.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, type Wire } from '../support/fake-conduit.ts';
import { HeldHistory } from '../support/held-history.ts';
import { settle, turn, until } from '../support/until.ts';

/** A server whose history holds back its answers, a client that publishes on a socket, and a reader of all channels. */
async function held(settings: ServerSettings = {}, fields: Wire = {}) {
  const history = new HeldHistory();
  const { server } = serve({ channels: { '/d/**': { history: true } }, history, log: () => {}, ...settings });
  await server.open();
  const [wire, read] = [socket(), socket()];
  const writer = await FakeClient.connected(server, wire, fields);
  const reader = await FakeClient.connected(server, read);
  await reader.subscribe('/**', read);
  const storeAll = async () => {
    for (let at = 0; ; at += 1) {
      await settle();
      const append = history.appends[at];
      if (append === undefined) return;
      append.store();
    }
  };
  return { server, history, wire, writer, reader, read, storeAll };
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);

const idsOf = (wire: FakeConduit, first: number) => wire.replies.slice(first).map(({ id }) => Number(id));

const replayIds = ({ events }: FakeConduit) =>
  events.flatMap(({ ext }) => (ext as { replayId?: number } | undefined)?.replayId ?? []);

const ascending = (ids: readonly number[]) => [...ids].sort((a, b) => a - b);

describe('publishes of one session that a store keeps', () => {
  it.each([
    ['frames', (wire: FakeConduit) => wire],
    ['requests', () => exchange()],
  ])('do not wait for each other, in many %s', async (_how, conduit) => {
    const { history, wire, writer, read } = await held();
    const asked = numbers(20).map((data) => writer.publish(`/d/${data % 3}`, data, conduit(wire)));
    await settle();
    expect([history.appends.length, read.data]).toEqual([20, []]);
    for (const at of numbers(20).reverse()) history.appends[at]?.store();
    for (const one of asked) expect((await one).replies.every(({ successful }) => successful)).toBe(true);
    await settle();
    expect(read.data).toEqual(numbers(20));
    expect(replayIds(read)).toEqual(ascending(replayIds(read)));
  });

  it('do not wait for each other in one request', async () => {
    const { history, writer, read, storeAll } = await held();
    const asked = writer.send(numbers(5).map((data) => writer.message('/d/1', { data })));
    await settle();
    expect(history.appends).toHaveLength(5);
    await storeAll();
    expect((await asked).replies.map(({ id }) => Number(id))).toEqual(ascending(idsOf(await asked, 0)));
    expect(read.data).toEqual(numbers(5));
  });

  it('are answered in the order of the requests, whatever becomes of them', async () => {
    const { history, wire, writer, read } = await held();
    const before = wire.replies.length;
    const asked = numbers(6).map((data) => writer.publish('/d/1', data, wire));
    await settle();
    const full = new Error('disk full');
    for (const at of [5, 3]) history.appends[at]?.store();
    for (const at of [1, 4]) history.appends[at]?.fail(full);
    await settle();
    expect(wire.replies).toHaveLength(before);
    for (const at of [2, 0]) history.appends[at]?.store();
    await Promise.all(asked);
    const replies = wire.replies.slice(before);
    expect(replies.map(({ error }) => error)).toEqual([
      undefined,
      '500::server_error',
      undefined,
      undefined,
      '500::server_error',
      undefined,
    ]);
    expect(idsOf(wire, before)).toEqual(ascending(idsOf(wire, before)));
    await settle();
    expect(read.data).toEqual([0, 2, 3, 5]);
  });

  it('are answered in that order when an extension takes its time for one of the replies', async () => {
    const slow = { name: 'slow', kinds: ['publish'] as const };
    const { wire, writer, storeAll } = await held({
      extensions: [
        {
          ...slow,
          outgoing: async (reply, _session, { id }) => {
            if (Number(id) % 2 === 0) await settle();
            return reply;
          },
        },
      ],
    });
    const before = wire.replies.length;
    const asked = numbers(6).map((data) => writer.publish('/d/1', data, wire));
    await storeAll();
    await Promise.all(asked);
    expect(idsOf(wire, before)).toEqual(ascending(idsOf(wire, before)));
  });

  it('have the order in which a policy was asked', async () => {
    const { writer, read, storeAll } = await held({
      policy: { canPublish: ({ message }) => settle(Number(message.id) % 3).then(() => true) },
    });
    const asked = numbers(9).map((data) => writer.publish('/d/1', data));
    await until(() => writer.session.tasks?.length === 0);
    await storeAll();
    await Promise.all(asked);
    expect(read.data).toEqual(numbers(9));
  });

  it('are known again while they are being stored (PB-7)', async () => {
    const { history, writer, read, storeAll } = await held({ dedupe: true });
    const message = writer.message('/d/1', { data: 'once' });
    const asked = [writer.send(message), writer.send(message)];
    await settle();
    expect(history.appends).toHaveLength(1);
    await storeAll();
    const [one, other] = await Promise.all(asked);
    expect(one?.reply).toMatchObject({ successful: true, ext: { replayId: history.newest } });
    expect(other?.reply).toEqual(one?.reply);
    expect(read.data).toEqual(['once']);
  });
});

describe('what a session sends behind publishes that are being stored', () => {
  it('waits, if it is a publish that is not stored, and others wait for it', async () => {
    const { history, writer, read } = await held();
    const asked = ['/d/1', '/plain', '/d/2'].map((channel, data) => writer.publish(channel, data));
    await settle();
    expect([history.appends.length, read.data]).toEqual([1, []]);
    history.appends[0]?.store();
    await until(() => history.appends.length === 2);
    await settle();
    expect(read.data).toEqual([0, 1]);
    history.appends[1]?.store();
    await Promise.all(asked);
    await settle();
    expect(read.data).toEqual([0, 1, 2]);
  });

  it('waits in the same request, too', async () => {
    const { writer, read, storeAll } = await held();
    const channels = ['/d/1', '/plain', '/d/2', '/d/3', '/plain'];
    const asked = writer.send(channels.map((channel, data) => writer.message(channel, { data })));
    const later = writer.publish('/plain', 5);
    await storeAll();
    await Promise.all([asked, later]);
    expect(read.data).toEqual(numbers(6));
  });

  it('waits, if an extension takes it to a channel that is not stored', async () => {
    const { writer, read, storeAll } = await held({
      extensions: [
        {
          name: 'elsewhere',
          publishing: (event) => (event.channel === '/d/2' ? { ...event, channel: '/plain' } : event),
        },
      ],
    });
    const asked = ['/d/1', '/d/2', '/d/3'].map((channel, data) => writer.publish(channel, data));
    await storeAll();
    await Promise.all(asked);
    expect(read.data).toEqual([0, 1, 2]);
  });

  it('waits, if it subscribes or unsubscribes', async () => {
    const { wire, writer, storeAll } = await held();
    const asked = [
      writer.publish('/d/1', 'before', wire),
      writer.subscribe('/d/1', wire),
      writer.publish('/d/1', 'between', wire),
      writer.unsubscribe('/d/1', wire),
      writer.publish('/d/1', 'after', wire),
    ];
    await storeAll();
    await Promise.all(asked);
    await settle();
    expect(wire.data).toEqual(['between']);
  });

  it('waits, if it is for a service', async () => {
    const { server, history, writer, storeAll } = await held();
    const heard: unknown[] = [];
    server.subscribe('/service/x', ({ data }) => {
      heard.push([data, history.appends.length]);
    });
    const asked = [writer.publish('/d/1', 1), writer.publish('/d/1', 2), writer.publish('/service/x', 3)];
    await settle();
    expect(heard).toEqual([]);
    await storeAll();
    await Promise.all(asked);
    expect(heard).toEqual([[3, 2]]);
  });

  it('waits, if a feature carries it out', async () => {
    const { server, wire, writer, reader, read, storeAll } = await held({
      channels: { '/d/**': { history: true }, '/to': { addressed: true } },
      policy: { canHandshake: ({ message: { ext } }) => ({ allow: true, user: { id: String(ext?.user) } }) },
    });
    expect(reader.session.user?.id).toBe('undefined');
    const message = { receivers: ['undefined'], payload: 'second' };
    const asked = [writer.publish('/d/1', 'first', wire), writer.publish('/to', message, wire)];
    await storeAll();
    await Promise.all(asked);
    await until(() => read.data.length === 2);
    expect(read.data).toMatchObject(['first', { payload: 'second' }]);
    await server.close();
  });

  it('waits, if it ends the session: all is answered, and stored', async () => {
    const { server, wire, writer, read, storeAll } = await held();
    const before = wire.replies.length;
    const asked = [
      ...numbers(3).map((data) => writer.publish('/d/1', data, wire)),
      writer.disconnect(wire),
      writer.publish('/d/1', 'too late', wire),
    ];
    await storeAll();
    await Promise.all(asked);
    await settle();
    expect(wire.replies.slice(before).map(({ channel, error }) => [channel, error])).toEqual([
      ['/d/1', undefined],
      ['/d/1', undefined],
      ['/d/1', undefined],
      ['/meta/disconnect', undefined],
      ['/d/1', '402::session_unknown'],
    ]);
    expect([read.data, server.intake.used]).toEqual([[0, 1, 2], 0]);
  });

  it('is refused, if the session ends meanwhile', async () => {
    const { writer, read, storeAll } = await held();
    const asked = ['/d/1', '/plain'].map((channel, data) => writer.publish(channel, data));
    await settle();
    writer.session.disconnect();
    await storeAll();
    const [, plain] = await Promise.all(asked);
    expect(plain?.reply.error).toBe('402::session_unknown');
    expect(read.data).toEqual([0]);
  });

  it('waits in one request also for the publishes of another session', async () => {
    const { server, writer, read, storeAll } = await held();
    const other = await FakeClient.connected(server);
    const asked = writer.send([
      writer.message('/d/1', { data: 0 }),
      other.message('/plain', { data: 1 }),
      writer.message('/d/1', { data: 2 }),
    ]);
    await storeAll();
    await asked;
    expect(read.data).toEqual([0, 1, 2]);
  });

  it('does not wait, if it is a connect', async () => {
    const { writer, storeAll } = await held();
    const asked = writer.publish('/d/1', 1);
    expect((await writer.connect({ advice: { timeout: 0 } })).reply).toMatchObject({ successful: true });
    await storeAll();
    await asked;
  });

  it('waits for an engine that answers later than the store', async () => {
    const { writer, read, storeAll } = await held({ engine: new SlowEngine() });
    const channels = ['/d/1', '/d/2', '/plain', '/plain', '/d/1', '/plain'];
    const asked = channels.map((channel, data) => writer.publish(channel, data));
    await storeAll();
    await Promise.all(asked);
    await settle();
    expect(read.data).toEqual(numbers(6));
  });
});

describe('publishes that are being stored', () => {
  it('settle when their socket is lost, or their session ends', async () => {
    const { server, wire, writer, read, storeAll } = await held();
    const asked = numbers(3).map((data) => writer.publish('/d/1', data, wire));
    await settle();
    writer.lose(wire);
    writer.session.disconnect();
    await storeAll();
    await Promise.all(asked);
    expect([read.data, server.intake.used, writer.session.waitingBytes]).toEqual([numbers(3), 0, 0]);
  });

  it('settle when the server closes', async () => {
    const { server, history, writer, storeAll } = await held();
    const asked = numbers(3).map((data) => writer.publish('/d/1', data));
    await until(() => history.appends.length === 3);
    const closed = server.close();
    await storeAll();
    await Promise.all([closed, ...asked]);
    expect([history.calls.at(-1), server.intake.used]).toEqual(['close', 0]);
  });

  it('take memory of their client, who is turned away beyond it', async () => {
    const { server, history, writer, storeAll } = await held({ maxWaitingBytes: 50_000 });
    const big = 'x'.repeat(10_000);
    const asked = [writer.publish('/d/1', big), writer.publish('/d/1', big)];
    await settle();
    expect(writer.session.waitingBytes).toBeGreaterThan(40_000);
    expect((await writer.publish('/d/1', big)).ends).toEqual(['capacity']);
    expect(history.appends).toHaveLength(2);
    await storeAll();
    await Promise.all(asked);
    expect([writer.session.waitingBytes, server.intake.used]).toEqual([0, 0]);
  });
});

/** Delivers, and answers, in a later turn: in order. */
class SlowEngine extends MemoryEngine implements Engine {
  #last = Promise.resolve();

  override publish(publication: Publication): Promise<void> {
    this.#last = this.#last.then(turn).then(() => super.publish(publication));
    return this.#last;
  }
}

const kinds = ['/d/1', '/d/2', '/d/1', '/d/2', '/plain', '/slow', 'subscribe', 'unsubscribe'] as const;

type Kind = (typeof kinds)[number];

/** What one of the clients sends, in one request. */
interface Request {
  readonly who: number;
  readonly kinds: readonly Kind[];
  readonly byHttp: boolean;
}

/** One of the publishes that wait is stored, or cannot be. */
interface Settling {
  readonly which: number;
  readonly fails: boolean;
}

type Step = Request | Settling | 'turn';

const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      who: fc.nat(1),
      kinds: fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 4 }),
      byHttp: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ which: fc.nat(5), fails: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant('turn' as const) },
);

/** A client that publishes what no other does, and remembers what it sent. */
class Writer {
  readonly client: FakeClient;
  readonly wire: FakeConduit;
  readonly sent: Wire[] = [];
  readonly requests: { readonly conduit: FakeConduit; readonly ids: readonly unknown[] }[] = [];
  readonly #firstReply: number;

  constructor(client: FakeClient, wire: FakeConduit) {
    this.client = client;
    this.wire = wire;
    this.#firstReply = wire.replies.length;
  }

  send(kindsOf: readonly Kind[], byHttp: boolean): Promise<unknown> {
    const messages = kindsOf.map((kind) =>
      kind.startsWith('/')
        ? this.client.message(kind, {
            data: `${this.client.session.id} ${this.sent.length} ${Math.random()}`,
          })
        : this.client.message(`/meta/${kind}`, { subscription: '/**' }),
    );
    this.sent.push(...messages);
    if (!byHttp) return this.client.send(messages, this.wire);
    const conduit = exchange();
    this.requests.push({ conduit, ids: messages.map(({ id }) => id) });
    return this.client.send(messages, conduit);
  }

  get wireIds(): number[] {
    return idsOf(this.wire, this.#firstReply);
  }

  #succeeded({ id }: Wire): boolean {
    const conduits = [this.wire, ...this.requests.map(({ conduit }) => conduit)];
    const replies = conduits.flatMap((conduit) => conduit.replies).filter((reply) => reply.id === id);
    return replies.some(({ channel, successful }) => channel !== '/meta/connect' && successful === true);
  }

  /** What it published with success, in order. */
  get published(): unknown[] {
    return this.sent.filter((one) => 'data' in one && this.#succeeded(one)).map(({ data }) => data);
  }

  /** Of that, what it published while it subscribed to all channels. */
  get publishedToItself(): unknown[] {
    let subscribes = false;
    return this.sent.flatMap((one) => {
      if (!('data' in one)) subscribes = one.channel === '/meta/subscribe';
      return subscribes && 'data' in one && this.#succeeded(one) ? [one.data] : [];
    });
  }

  /** What it published, as it came here. */
  own(wire: FakeConduit): unknown[] {
    return wire.data.filter((data) => String(data).startsWith(this.client.session.id));
  }
}

async function run(steps: readonly Step[], engine: Engine) {
  const { server, history, wire, writer, read } = await held({
    engine,
    policy: { canPublish: ({ channel }) => channel !== '/slow' || turn().then(() => true) },
  });
  const other = socket();
  const writers = [new Writer(writer, wire), new Writer(await FakeClient.connected(server, other), other)];
  const settled = new Set<unknown>();
  const settleOne = ({ which, fails }: Settling) => {
    const waiting = history.appends.filter((append) => !settled.has(append));
    const append = waiting[which % waiting.length];
    settled.add(append);
    if (fails) append?.fail(new Error('disk full'));
    else append?.store();
  };
  const asked: Promise<unknown>[] = [];
  for (const step of steps) {
    if (step === 'turn') await turn();
    else if ('which' in step) settleOne(step);
    else asked.push(writers[step.who]?.send(step.kinds, step.byHttp) ?? Promise.reject());
  }
  let isOver = false;
  const over = Promise.all(asked).then(() => {
    isOver = true;
  });
  while (!isOver) {
    await turn();
    settleOne({ which: 0, fails: false });
  }
  await over;
  await settle();
  return { server, read, writers };
}

describe('publishes of two sessions to a store that answers in any order', () => {
  it.each([
    ['at once', () => new MemoryEngine()],
    ['later', () => new SlowEngine()],
  ])('keep their order where the engine answers %s', async (when, engine) => {
    const keepsOrder = async (steps: readonly Step[]) => {
      const { server, read, writers } = await run(steps, engine());
      expect(replayIds(read)).toEqual(ascending(replayIds(read)));
      for (const writer of writers) {
        for (const { conduit, ids } of writer.requests)
          expect(conduit.replies.map(({ id }) => id)).toEqual(ids);
        expect(writer.own(read)).toEqual(writer.published);
        if (when === 'at once') {
          expect(writer.wireIds).toEqual(ascending(writer.wireIds));
          expect(writer.own(writer.wire)).toEqual(writer.publishedToItself);
        }
        const { tasks, stores, waitingBytes } = writer.client.session;
        expect([tasks?.length ?? 0, stores?.length ?? 0, waitingBytes]).toEqual([0, 0, 0]);
      }
      expect(server.intake.used).toBe(0);
      await server.close();
    };
    await fc.assert(fc.asyncProperty(fc.array(aStep, { maxLength: 25 }), keepsOrder), { numRuns: 200 });
  });
});
