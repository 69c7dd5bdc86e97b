import { describe, expect, it, vi } from 'vitest';
import { MemoryHistory } from '../../src/features/history/memory-history.ts';
import type { ServerSettings } from '../../src/server.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { Bus, BusEngine } from '../support/bus-engine.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket, type Wire } from '../support/fake-conduit.ts';
import { settle } from '../support/until.ts';

const policy = {
  canHandshake: ({ message }: { readonly message: { readonly ext?: { readonly user?: unknown } } }) =>
    typeof message.ext?.user === 'string' ? ({ allow: true, user: message.ext.user } as const) : true,
};

/** Two servers on one bus. */
async function nodes(
  settings: ServerSettings = {},
  others: ServerSettings = settings,
  store?: MemoryHistory,
) {
  const clock = new FakeClock();
  const bus = new Bus(clock, store);
  const node = async (own: ServerSettings) => {
    const engine = new BusEngine(bus);
    const { server } = serve({ engine, clock, log: () => {}, policy, ...own });
    await server.open();
    return { engine, server, join: (user?: string) => join(server, user) };
  };
  return { clock, bus, here: await node(settings), there: await node(others) };
}

async function join(server: FakeClient['server'], user?: string) {
  const wire = socket();
  const client = await FakeClient.connected(server, wire, { ext: { user } });
  return { client, wire, subscribe: (what: unknown) => client.subscribe(what, wire), data: () => wire.data };
}

describe('two nodes', () => {
  it('bring what is published on one to the subscribers of both, once, in one order', async () => {
    const { here, there } = await nodes();
    const all = [await here.join(), await there.join(), await there.join()];
    for (const one of all) await one.subscribe('/chat/*');
    for (const data of [1, 2, 3])
      await Promise.all([
        here.server.publish('/chat/a', data),
        all[1]?.client.publish('/chat/b', -data, exchange()),
      ]);
    await settle();
    const [first, ...rest] = all.map((one) => one.data());
    expect(first).toHaveLength(6);
    expect(rest).toEqual([first, first]);
  });

  it('bring nothing where nobody wants it', async () => {
    const { here, there } = await nodes();
    const bob = await there.join();
    await bob.subscribe('/b');
    expect([here.engine.patterns, there.engine.patterns]).toEqual([[], ['/b']]);
    await here.server.publish('/a', 1);
    await bob.client.disconnect();
    expect(there.engine.patterns).toEqual([]);
  });

  it('leave the publisher out on its own node alone', async () => {
    const { here, there } = await nodes({ broadcastToPublisher: false });
    const [ann, bob] = [await here.join(), await there.join()];
    for (const one of [ann, bob]) await one.subscribe('/a');
    await ann.client.publish('/a', 1);
    await settle();
    expect([ann.data(), bob.data()]).toEqual([[], [1]]);
  });

  it('keep the rule of the channel on each: as many events wait on one as on the other', async () => {
    const overflow = { action: 'dropOldest', maxEvents: 2 } as const;
    const { here, there } = await nodes({ channels: { '/a': { overflow } } });
    const polls = [await FakeClient.connected(here.server), await FakeClient.connected(there.server)];
    for (const client of polls) await client.subscribe('/a');
    for (const data of [1, 2, 3, 4, 5]) await here.server.publish('/a', data);
    expect([(await polls[0]?.connect())?.data, (await polls[1]?.connect())?.data]).toEqual([
      [4, 5],
      [4, 5],
    ]);
  });

  it('keep on the other what the publisher said of the event, against the rule of the channel', async () => {
    const { here, there } = await nodes({
      channels: { '/a': { lazy: true, overflow: { action: 'dropOldest' } } },
    });
    const bob = await there.join();
    await bob.subscribe('/a');
    await here.server.publish('/a', 'lazy');
    await settle();
    expect(bob.data()).toEqual([]);
    await here.server.publish('/a', 'now', { lazy: false });
    await settle();
    expect(bob.data()).toEqual(['lazy', 'now']);
  });

  it('send an event for a user to all sessions of the user, and count them', async () => {
    const { here, there } = await nodes();
    const tabs = [await here.join('ann'), await there.join('ann'), await there.join('bob')];
    expect(await here.server.user('ann').sessions()).toHaveLength(2);
    expect(await here.server.user('ann').deliver('/private', 1)).toEqual({ sessions: 2 });
    await there.server.group('all').add('ann');
    await there.server.group('all').add('bob');
    expect(await here.server.group('all').deliver('/private', 2)).toEqual({ sessions: 3 });
    await settle();
    expect(tabs.map((tab) => tab.data())).toEqual([[1, 2], [1, 2], [2]]);
  });

  it('read the newest events of a history of all nodes, also where nobody was brought them', async () => {
    const { here, there } = await nodes(
      { channels: { '/d': { history: true } } },
      undefined,
      new MemoryHistory(),
    );
    for (const data of [1, 2, 3]) await here.server.publish('/d', data);
    const page = await there.server.history('/d', { last: 2 });
    expect(page?.events.map(({ data }) => data)).toEqual([2, 3]);
  });

  it('count together, and say when one does not answer', async () => {
    const { clock, here, there } = await nodes();
    for (const one of [await here.join(), await there.join(), await there.join()]) await one.subscribe('/a');
    const { directory } = here.server;
    expect([await directory.count(), await directory.count('/a'), await directory.count('/b')]).toEqual([
      { value: 3, complete: true },
      { value: 3, complete: true },
      { value: 0, complete: true },
    ]);
    expect((await directory.members('/a')).value).toHaveLength(3);
    there.engine.answers = false;
    const [count, members] = [directory.count(), directory.members('/a')];
    await settle();
    await clock.tick(500);
    expect([await count, (await members).complete]).toEqual([{ value: 1, complete: false }, false]);
  });

  it('know who is present on both', async () => {
    const { here, there } = await nodes({ channels: { '/room': { presence: true } } });
    const [ann, bob] = [await here.join('ann'), await there.join('bob')];
    for (const one of [ann, bob]) await one.subscribe('/room');
    await settle();
    for (const { server } of [here, there])
      expect((await server.presence('/room').users()).map(({ id }) => id)).toEqual(['ann', 'bob']);
  });
});

describe('a node that loses its connection', () => {
  it('gets all that came meanwhile, in order, when it is back', async () => {
    const { here, there } = await nodes();
    const bob = await there.join();
    await bob.subscribe('/a');
    there.engine.cut();
    for (const data of [1, 2, 3]) await here.server.publish('/a', data);
    await settle();
    expect(bob.data()).toEqual([]);
    there.engine.mend();
    await settle();
    expect(bob.data()).toEqual([1, 2, 3]);
  });

  it('holds publishes and subscribes, and answers them when it is back', async () => {
    const { clock, here, there } = await nodes();
    const [ann, bob] = [await here.join(), await there.join()];
    await ann.subscribe('/a');
    there.engine.cut();
    const wires = [exchange(), exchange()];
    void bob.client.publish('/a', 1, wires[0]);
    void bob.client.subscribe('/b', wires[1]);
    await clock.tick(4_999);
    await settle();
    expect(wires.map(({ replies }) => replies)).toEqual([[], []]);
    there.engine.mend();
    await settle();
    expect([wires.map(({ reply }) => reply.successful), ann.data()]).toEqual([[true, true], [1]]);
  });

  it('refuses them after engineTimeout, and nobody gets anything then or later', async () => {
    const { clock, here, there } = await nodes();
    const [ann, bob] = [await here.join(), await there.join()];
    for (const one of [ann, bob]) await one.subscribe('/a');
    there.engine.cut();
    const wire = exchange();
    void bob.client.publish('/a', 1, wire);
    await clock.tick(5_000);
    await settle();
    expect(wire.reply.error).toBe('503::engine_unavailable');
    there.engine.mend();
    await settle();
    expect([ann.data(), bob.data()]).toEqual([[], []]);
  });

  it('is not ready once it is away for longer than engineTimeout', async () => {
    const log = vi.fn();
    const { clock, there } = await nodes({}, { log });
    there.engine.cut();
    await clock.tick(4_999);
    expect(there.server.readiness).toEqual({ ready: true });
    await clock.tick(1);
    expect(there.server.readiness).toEqual({
      ready: false,
      reason: 'away',
      why: 'the engine is away: it cannot reach the other nodes',
    });
    there.engine.mend();
    expect(there.server.readiness).toEqual({ ready: true });
    expect(log.mock.calls.map(([{ event }]) => event)).toEqual(['engine.away', 'engine.open']);
  });

  it('tells a gap to all sessions with subscriptions when its events are lost', async () => {
    const { here, there } = await nodes();
    const [bob, idle] = [await FakeClient.connected(there.server), await FakeClient.connected(there.server)];
    await bob.subscribe('/a');
    there.engine.cut();
    await here.server.publish('/a', 1);
    there.engine.trim();
    there.engine.mend();
    await here.server.publish('/a', 2);
    const wire = await bob.connect();
    expect([wire.data, wire.reply.ext]).toEqual([[2], { gap: { '/**': {} } }]);
    const other = exchange();
    void idle.connect({}, other);
    await here.server.publish('/none', 1);
    expect(other.replies).toEqual([]);
  });

  it('tells a gap for what it cannot read, at most once a second', async () => {
    const { clock, here, there } = await nodes();
    const bob = await FakeClient.connected(there.server);
    await bob.subscribe('/a');
    here.engine.encode = () => '{"v":2,"is":"of the future"}';
    const gapsOf = async () => {
      const wire = await bob.connect({ advice: { timeout: 0 } });
      return wire.reply.ext;
    };
    void here.server.publish('/a', 1);
    void here.server.publish('/a', 2);
    expect([await gapsOf(), await gapsOf()]).toEqual([{ gap: { '/**': {} } }, undefined]);
    await clock.tick(1_000);
    expect([await gapsOf(), await gapsOf()]).toEqual([{ gap: { '/**': {} } }, undefined]);
    await here.server.close();
    await there.server.close();
  });
});

describe('an engine on its way', () => {
  it('does not keep the next publish of a session waiting, and keeps their order', async () => {
    const { bus, clock, here, there } = await nodes();
    const [ann, bob] = [await here.join(), await there.join()];
    await bob.subscribe('/a');
    bus.delay = 300;
    const wires = [1, 2, 3].map((data) => {
      const wire = exchange();
      void ann.client.publish('/a', data, wire);
      return wire;
    });
    await clock.tick(300);
    await settle();
    expect(wires.map(({ reply }) => reply.successful)).toEqual([true, true, true]);
    expect(bob.data()).toEqual([1, 2, 3]);
  });

  it('delivers what a batch publishes by the subscriptions at that point of the batch (PR-1, SB-7)', async () => {
    const { bus, clock, here } = await nodes();
    const ann = await here.join();
    bus.delay = 300;
    const wire = exchange();
    const subscription = { subscription: '/a' };
    const publish = (data: number) => ann.client.message('/a', { data });
    void ann.client.send(
      [
        ...[publish(0), ann.client.message('/meta/subscribe', subscription), publish(1), publish(2)],
        ...[ann.client.message('/meta/unsubscribe', subscription), publish(3)],
        ...[ann.client.message('/meta/subscribe', subscription), publish(4)],
      ],
      wire,
    );
    for (let step = 0; step < 10; step += 1) await clock.tick(300);
    await settle();
    expect(wire.replies.map(({ channel, successful }) => [channel, successful])).toEqual(
      ['/a', '/meta/subscribe', '/a', '/a', '/meta/unsubscribe', '/a', '/meta/subscribe', '/a'].map(
        (channel) => [channel, true],
      ),
    );
    expect([...ann.data(), ...wire.data]).toEqual([1, 2, 4]);
  });

  it('answers server.publish with 503 when it fails', async () => {
    const { here } = await nodes();
    here.engine.isHanging = true;
    const sent = here.server.publish('/a', 1);
    const failed = expect(sent).rejects.toThrow('503::engine_unavailable');
    await (here.server.clock as FakeClock).tick(5_500);
    await failed;
  });
});

describe('a history of all nodes', () => {
  const durable = { channels: { '/d/**': { history: { maxEvents: 100, maxAge: 60_000 } } } };
  const both = () => nodes(durable, durable, new MemoryHistory());
  const idsOf = (wire: { readonly events: readonly Wire[] }) =>
    wire.events.map(({ ext }) => (ext as { readonly replayId: number }).replayId);

  it('gives ascending ids to the events of both, which each delivers in their order', async () => {
    const { here, there } = await both();
    const [ann, bob] = [await here.join(), await there.join()];
    for (const one of [ann, bob]) await one.subscribe('/d/*');
    const results = [];
    for (const data of [1, 2]) {
      results.push(await here.server.publish('/d/a', data));
      results.push(await there.server.publish('/d/b', -data));
    }
    await settle();
    const ids = results.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
    expect([ann.data(), bob.data()]).toEqual([
      [1, -1, 2, -2],
      [1, -1, 2, -2],
    ]);
    expect([idsOf(ann.wire), idsOf(bob.wire)]).toEqual([ids, ids]);
    expect(results.map(({ sessions }) => sessions)).toEqual([1, 1, 1, 1]);
  });

  it('tells the publisher the id of its event (RP-16)', async () => {
    const { here } = await both();
    const ann = await here.join();
    const wire = await ann.client.publish('/d/a', 1);
    expect(wire.reply.ext).toEqual({ replayId: expect.any(Number) });
  });

  it('goes on at the other node where a client left the first', async () => {
    const { here, there } = await both();
    const ann = await here.join();
    await ann.subscribe('/d/a');
    for (const data of [1, 2]) await here.server.publish('/d/a', data);
    await settle();
    const last = idsOf(ann.wire).at(-1);
    await ann.client.disconnect();
    await here.server.publish('/d/a', 3);
    const again = await there.join();
    const subscribed = await again.client.send(
      again.client.message('/meta/subscribe', { subscription: '/d/a', ext: { replay: { '/d/a': last } } }),
      exchange(),
    );
    expect(subscribed.reply.ext).toMatchObject({ replay: { '/d/a': { recovered: true } } });
    await settle(5);
    expect(again.data()).toEqual([3]);
    await here.server.publish('/d/a', 4);
    await settle(5);
    expect(again.data()).toEqual([3, 4]);
  });

  it('replays from the oldest event on a node that was brought none of those that are gone', async () => {
    const few = { channels: { '/d/**': { history: { maxEvents: 2, maxAge: 60_000 } } } };
    const { here, there } = await nodes(few, few, new MemoryHistory());
    for (const data of [1, 2, 3, 4]) await here.server.publish('/d/a', data);
    const bob = await there.join();
    await bob.client.send(
      bob.client.message('/meta/subscribe', { subscription: '/d/a', ext: { replay: { '/d/a': -2 } } }),
    );
    await settle(5);
    expect([bob.data(), bob.client.session.state]).toEqual([[3, 4], 'idle']);
  });

  it('has the page of a channel on each', async () => {
    const { here, there } = await both();
    const { id } = await here.server.publish('/d/a', 1);
    expect(await there.server.history('/d/a')).toMatchObject({ events: [{ id, data: 1 }] });
  });

  it('stores nothing when the engine fails: 503, and no event later', async () => {
    const { clock, here, there } = await both();
    const [ann, bob] = [await here.join(), await there.join()];
    await bob.subscribe('/d/a');
    here.engine.cut();
    const wire = exchange();
    void ann.client.publish('/d/a', 1, wire);
    await clock.tick(5_000);
    await settle();
    expect(wire.reply.error).toBe('503::engine_unavailable');
    here.engine.mend();
    await settle();
    expect([bob.data(), (await there.server.history('/d/a'))?.events]).toEqual([[], []]);
  });

  it('brings volatile events, and stores none', async () => {
    const { here, there } = await both();
    const bob = await there.join();
    await bob.subscribe('/d/a');
    await here.server.publish('/d/a', 1, { volatile: true });
    await settle();
    expect([bob.data(), (await there.server.history('/d/a'))?.events]).toEqual([[1], []]);
  });

  it('breaks the positions of a client whose events were lost on the way (RP-17)', async () => {
    const settings = { ...durable, timeout: 0 };
    const { here, there } = await nodes(settings, settings, new MemoryHistory());
    const bob = await FakeClient.connected(there.server, exchange(), { ext: { replayTighten: true } });
    await bob.subscribe('/d/a');
    await here.server.publish('/d/a', 1);
    const ask = async () => (await bob.connect()).reply.ext;
    await ask();
    expect(await ask()).toEqual({ replay: { '/d/a': expect.any(Number) } });
    there.engine.cut();
    await here.server.publish('/d/a', 2);
    there.engine.trim();
    there.engine.mend();
    expect([await ask(), await ask()]).toEqual([{ gap: { '/**': {} } }, undefined]);
  });
});
