import { describe, expect, it, vi } from 'vitest';
import { type Engine, EngineUnavailable, type NodeSide, type Publication } from '../../src/ports/engine.ts';
import { newNode } from '../../src/lib/node-name.ts';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';
import { settle } from '../support/until.ts';

/** An engine whose answers come when they are given, and which brings what another node published. */
class ManualEngine implements Engine {
  readonly waiting: { readonly answer: () => void; readonly fail: (error: Error) => void }[] = [];
  readonly node = newNode();
  readonly published: unknown[] = [];
  readonly interests: [pattern: string, wanted: boolean][] = [];
  deliver: (publication: Publication) => void = () => {};
  isManual = false;

  async open(side: NodeSide): Promise<void> {
    this.deliver = side.deliver;
  }

  publish(publication: Publication): Promise<void> | undefined {
    this.published.push(publication.event.message.data);
    this.deliver(publication);
    return this.#later();
  }

  interest(pattern: string, wanted: boolean): Promise<void> | undefined {
    this.interests.push([pattern, wanted]);
    return wanted ? this.#later() : new Promise(() => {});
  }

  async close(): Promise<void> {}

  #later(): Promise<void> | undefined {
    if (!this.isManual) return undefined;
    return new Promise((answer, fail) => this.waiting.push({ answer, fail }));
  }
}

async function open(settings = {}) {
  const engine = new ManualEngine();
  const { server, clock } = serve({ engine, log: () => {}, ...settings });
  await server.open();
  const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
  engine.isManual = true;
  const ask = async (client: FakeClient, channel: string, fields = {}) => {
    const wire = exchange();
    void client.send(client.message(channel, fields), wire);
    await settle();
    return wire;
  };
  return { engine, server, clock, ann, bob, ask };
}

describe('an engine that takes its time', () => {
  it('has all who subscribe to a pattern wait until its interest is in force', async () => {
    const { engine, ann, bob, ask } = await open();
    const first = await ask(ann, '/meta/subscribe', { subscription: '/a/*' });
    const second = await ask(bob, '/meta/subscribe', { subscription: '/a/*' });
    expect([engine.interests, first.replies, second.replies]).toEqual([[['/a/*', true]], [], []]);
    engine.waiting[0]?.answer();
    await settle();
    expect([first.reply.successful, second.reply.successful]).toEqual([true, true]);
  });

  it('fails all of them when the interest fails, and keeps none of their subscriptions', async () => {
    const { engine, server, ann, bob, ask } = await open();
    const first = await ask(ann, '/meta/subscribe', { subscription: '/a' });
    const second = await ask(bob, '/meta/subscribe', { subscription: '/a' });
    engine.waiting[0]?.fail(new Error('the bus is down'));
    await settle();
    expect([first.reply.successful, second.reply.successful]).toEqual([false, false]);
    expect(server.directory.count('/a')).toEqual({ value: 0, complete: true });
  });

  it('has a session wait that asks again for a pattern whose interest is on its way', async () => {
    const { engine, ann, ask } = await open();
    const first = await ask(ann, '/meta/subscribe', { subscription: '/a' });
    const again = await ask(ann, '/meta/subscribe', { subscription: '/a' });
    expect([first.replies, again.replies]).toEqual([[], []]);
    engine.waiting[0]?.fail(new Error('the bus is down'));
    await settle();
    expect([first.reply.successful, again.reply.successful]).toEqual([false, false]);
  });

  it('keeps a subscription that was made anew while the interest of an older one was failing', async () => {
    const { engine, server, ann, ask } = await open();
    const first = await ask(ann, '/meta/subscribe', { subscription: '/a' });
    await ask(ann, '/meta/unsubscribe', { subscription: '/a' });
    const second = await ask(ann, '/meta/subscribe', { subscription: '/a' });
    expect(engine.interests).toEqual([
      ['/a', true],
      ['/a', false],
      ['/a', true],
    ]);
    engine.waiting[0]?.fail(new Error('the bus is down'));
    engine.waiting[1]?.answer();
    await settle();
    expect([first.reply.successful, second.reply.successful]).toEqual([false, true]);
    expect(server.directory.count('/a')).toEqual({ value: 1, complete: true });
  });

  it('fails with 503 what it says it could not carry, and says why in the log', async () => {
    const log = vi.fn();
    const { engine, ann, ask } = await open({ log });
    const published = await ask(ann, '/b', { data: 1 });
    engine.waiting[0]?.fail(new EngineUnavailable('no connection to the bus'));
    await settle();
    expect(log).toHaveBeenCalledWith(
      expect.objectContaining({ event: 'message.refused', why: 'no connection to the bus' }),
    );
    expect(published.reply.error).toBe('503::engine_unavailable');
  });

  it('leaves nobody unanswered when it hangs: subscribe and publish fail soon after engineTimeout', async () => {
    const { clock, ann, bob, ask, server } = await open({ engineTimeout: 1_000 });
    const subscribed = await ask(ann, '/meta/subscribe', { subscription: '/a' });
    const published = await ask(bob, '/b', { data: 1 });
    await clock.tick(1_499);
    await settle();
    expect([subscribed.replies, published.replies]).toEqual([[], []]);
    await clock.tick(1);
    await settle();
    expect([subscribed.reply.error, published.reply.error]).toEqual([
      '503::engine_unavailable',
      '503::engine_unavailable',
    ]);
    expect(server.directory.count('/a')).toEqual({ value: 0, complete: true });
  });

  it('does not keep unsubscribe and disconnect waiting', async () => {
    const { engine, bob, ask } = await open();
    engine.isManual = false;
    await ask(bob, '/meta/subscribe', { subscription: '/a' });
    engine.isManual = true;
    expect((await ask(bob, '/meta/unsubscribe', { subscription: '/a' })).reply.successful).toBe(true);
    expect((await ask(bob, '/meta/disconnect')).reply.successful).toBe(true);
  });

  it('does not keep them waiting behind publishes and subscribes of the session either', async () => {
    const { engine, server, bob, ask } = await open();
    const earlier = [
      await ask(bob, '/meta/subscribe', { subscription: '/a' }),
      await ask(bob, '/b', { data: 1 }),
      await ask(bob, '/b', { data: 2 }),
    ];
    expect(engine.published).toEqual([1, 2]);
    expect((await ask(bob, '/meta/unsubscribe', { subscription: '/a' })).reply.successful).toBe(true);
    expect((await ask(bob, '/meta/disconnect')).reply.successful).toBe(true);
    expect(earlier.map(({ replies }) => replies)).toEqual([[], [], []]);
    for (const { answer } of engine.waiting) answer();
    await settle();
    expect(earlier.map(({ reply }) => reply.successful)).toEqual([true, true, true]);
    expect([server.sessions.size, server.usage.channelNodes]).toEqual([1, 0]);
  });

  it('takes the messages of one batch as they come, and answers them together and in order', async () => {
    const { engine, server, bob } = await open();
    const wire = exchange();
    const messages = [1, 2].map((data) => bob.message('/b', { data }));
    void bob.send([...messages, bob.message('/meta/disconnect')], wire);
    await settle();
    expect([engine.published, server.sessions.size, wire.replies]).toEqual([[1, 2], 1, []]);
    engine.waiting[1]?.answer();
    engine.waiting[0]?.fail(new EngineUnavailable('no connection to the bus'));
    await settle();
    expect(wire.replies.map(({ channel, successful }) => [channel, successful])).toEqual([
      ['/b', false],
      ['/b', true],
      ['/meta/disconnect', true],
    ]);
  });

  it('carries out once a publish that comes again while it is on its way (PB-7)', async () => {
    const { engine, bob } = await open({ dedupe: true });
    const message = bob.message('/b', { data: 1 });
    const [first, again] = [exchange(), exchange()];
    void bob.send(message, first);
    void bob.send(message, again);
    await settle();
    expect(engine.published).toEqual([1]);
    engine.waiting[0]?.answer();
    await settle();
    expect([first.reply.successful, again.reply.successful]).toEqual([true, true]);
  });

  it('lets a publish be repeated that it could not carry', async () => {
    const { engine, bob } = await open({ dedupe: true });
    const message = bob.message('/b', { data: 1 });
    const first = exchange();
    void bob.send(message, first);
    await settle();
    engine.waiting[0]?.fail(new EngineUnavailable('no connection to the bus'));
    await settle();
    const again = exchange();
    void bob.send(message, again);
    await settle();
    engine.waiting[1]?.answer();
    await settle();
    expect([first.reply.successful, again.reply.successful]).toEqual([false, true]);
  });
});

describe('an event from another node', () => {
  it('is held to the rule of its channel on this node', async () => {
    const overflow = { action: 'dropOldest', maxEvents: 2 } as const;
    const { engine, ann } = await open({ channels: { '/a/**': { overflow } } });
    engine.isManual = false;
    await ann.subscribe('/a/b');
    for (const data of [1, 2, 3, 4]) engine.deliver({ event: new OutgoingEvent({ channel: '/a/b', data }) });
    expect((await ann.connect()).data).toEqual([3, 4]);
  });
});
