import { describe, expect, it } from 'vitest';
import type { Engine, Publication } from '../../src/ports/engine.ts';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';
import { settle } from '../support/until.ts';

/** An engine whose answers come when they are given, and which brings what another node published. */
class ManualEngine implements Engine {
  readonly waiting: { readonly answer: () => void; readonly fail: (error: Error) => void }[] = [];
  readonly interests: [pattern: string, wanted: boolean][] = [];
  deliver: (publication: Publication) => void = () => {};
  isManual = false;

  async open(deliver: (publication: Publication) => void): Promise<void> {
    this.deliver = deliver;
  }

  publish(publication: Publication): Promise<void> | undefined {
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
    expect(server.directory.count('/a')).toBe(0);
  });

  it('leaves nobody unanswered when it hangs: subscribe and publish fail after hookTimeout', async () => {
    const { clock, ann, bob, ask } = await open({ hookTimeout: 500 });
    const subscribed = await ask(ann, '/meta/subscribe', { subscription: '/a' });
    const published = await ask(bob, '/b', { data: 1 });
    expect([subscribed.replies, published.replies]).toEqual([[], []]);
    await clock.tick(500);
    await settle();
    expect([subscribed.reply.error, published.reply.error]).toEqual([
      '500::server_error',
      '500::server_error',
    ]);
  });

  it('does not keep unsubscribe and disconnect waiting', async () => {
    const { engine, bob, ask } = await open();
    engine.isManual = false;
    await ask(bob, '/meta/subscribe', { subscription: '/a' });
    engine.isManual = true;
    expect((await ask(bob, '/meta/unsubscribe', { subscription: '/a' })).reply.successful).toBe(true);
    expect((await ask(bob, '/meta/disconnect')).reply.successful).toBe(true);
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
