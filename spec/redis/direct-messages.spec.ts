import { expect, it } from 'vitest';
import type { Policy, ServerSettings } from '../../src/index.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { type ApiNode, acquainted, apiNode, apiNodes } from './api-nodes.ts';
import { describeWithRedis } from './cluster.ts';

const patience = { timeout: 10_000, interval: 20 };
const DIRECT = '/service/direct';

type Wire = Record<string, unknown>;

const policy: Policy = {
  canHandshake: ({ message }) => ({ allow: true, user: String(message.ext?.user) }),
  canSend: ({ to }) => to !== 'eve',
};

const settings = (addressed: object = {}): { settings: ServerSettings } => ({
  settings: { policy, maxSessionsPerBrowser: -1, channels: { [DIRECT]: { addressed } } },
});

/** A session of long-polling. */
class Person {
  readonly heard: unknown[] = [];
  readonly receipts: unknown[] = [];
  readonly #node: ApiNode;
  readonly #clientId: unknown;
  #ack: unknown;

  private constructor(node: ApiNode, clientId: unknown) {
    this.#node = node;
    this.#clientId = clientId;
  }

  /** Without connects yet. */
  static async open(node: ApiNode, user: string): Promise<Person> {
    const types = { version: '1.0', supportedConnectionTypes: ['long-polling'] };
    const [reply] = await node.say({ channel: '/meta/handshake', ...types, ext: { user, ack: true } });
    return new Person(node, reply?.clientId);
  }

  static async connected(node: ApiNode, user: string): Promise<Person> {
    const person = await Person.open(node, user);
    await person.connect(0);
    return person;
  }

  /** Sends one connect, which confirms what came with the last one. */
  async connect(timeout: number): Promise<void> {
    const ext = this.#ack === undefined ? {} : { ext: { ack: this.#ack } };
    const connect = { channel: '/meta/connect', connectionType: 'long-polling', advice: { timeout } };
    const replies = await this.#node.say({ ...connect, clientId: this.#clientId, ...ext });
    for (const { channel, data, ext: answered } of replies) {
      if (channel === DIRECT) this.heard.push(data);
      if (channel === '/service/receipt') this.receipts.push(data);
      if (channel === '/meta/connect') this.#ack = (answered as Wire | undefined)?.ack;
    }
  }

  async send(receivers: readonly string[], more: Wire = {}): Promise<Wire> {
    const data = { receivers, payload: 'hello', ...more };
    const replies = await this.#node.say({ channel: DIRECT, clientId: this.#clientId, data });
    const reply = replies.find(({ successful }) => successful !== undefined);
    return (reply?.ext as Wire | undefined)?.receipts as Wire;
  }
}

/** A person whose connect is held. */
async function waiting(node: ApiNode, user: string): Promise<Person> {
  const before = new Set(node.server.sessions);
  const person = await Person.connected(node, user);
  const session = [...node.server.sessions].find((one) => !before.has(one));
  void person.connect(10_000).catch(() => {});
  await expect.poll(() => session?.carrier, patience).toBeDefined();
  return person;
}

describeWithRedis('direct messages on three nodes', (cluster) => {
  const hello = { from: { id: 'ann' }, payload: 'hello' };

  it('reach the sessions of each receiver on any node once, and the sender learns what became of them', async () => {
    const [a, b, c] = await apiNodes(cluster(), settings({ copy: true }));
    const ann = await Person.connected(a, 'ann');
    const tab = await Person.connected(b, 'ann');
    const bobs = [await waiting(b, 'bob'), await waiting(c, 'bob'), await waiting(a, 'bob')];
    const cal = await Person.connected(c, 'cal');
    const receipts = await ann.send(['bob', 'cal', 'dan', 'eve']);
    expect(receipts).toEqual({ bob: 'delivered', cal: 'queued', dan: 'offline', eve: 'denied' });
    for (const bob of bobs) await expect.poll(() => bob.heard, patience).toMatchObject([hello]);
    await cal.connect(0);
    expect(cal.heard).toMatchObject([hello]);
    await tab.connect(1000);
    expect(tab.heard).toMatchObject([{ ...hello, receivers: ['bob', 'cal', 'dan', 'eve'] }]);
    await ann.connect(0);
    expect(ann.heard).toEqual([]);
  });

  it('tell the sender on another node when they were read', async () => {
    const [a, b] = await apiNodes(cluster(), settings());
    const ann = await Person.connected(a, 'ann');
    const bob = await Person.connected(b, 'bob');
    expect(await ann.send(['bob'], { receipt: 'read', ref: 'm1' })).toEqual({ bob: 'queued' });
    await bob.connect(0);
    expect(bob.heard).toMatchObject([hello]);
    expect(ann.receipts).toEqual([]);
    await bob.connect(0);
    await expect
      .poll(async () => {
        await ann.connect(0);
        return ann.receipts;
      }, patience)
      .toEqual([{ id: expect.any(String), ref: 'm1', user: 'bob', state: 'read' }]);
  });

  it('drop a volatile one that no session can take now, on other nodes too', async () => {
    const [a, b] = await apiNodes(cluster(), settings());
    const ann = await Person.connected(a, 'ann');
    const bob = await Person.connected(b, 'bob');
    const there = await waiting(b, 'cal');
    expect(await ann.send(['bob', 'cal'], { volatile: true })).toEqual({ bob: 'offline', cal: 'delivered' });
    await expect.poll(() => there.heard, patience).toMatchObject([hello]);
    await bob.connect(0);
    expect(bob.heard).toEqual([]);
  });

  it('are kept for who is offline, come once on the node where the user connects, and are told read', async () => {
    const [a, b, c] = await apiNodes(cluster(), settings({ ttl: 60_000 }));
    const ann = await Person.connected(a, 'ann');
    expect(await ann.send(['dan'], { receipt: 'read' })).toEqual({ dan: 'queued' });
    const dan = await Person.connected(c, 'dan');
    await dan.connect(1000);
    expect(dan.heard).toMatchObject([hello]);
    await dan.connect(0);
    await expect
      .poll(async () => {
        await ann.connect(0);
        return ann.receipts;
      }, patience)
      .toMatchObject([{ user: 'dan', state: 'read' }]);
    const later = await Person.connected(b, 'dan');
    await later.connect(200);
    expect(later.heard).toEqual([]);
  });

  it('that wait on a node that ends come on another one', async () => {
    const [a, b, c] = await apiNodes(cluster(), settings({ ttl: 60_000 }));
    const ann = await Person.connected(a, 'ann');
    await Person.connected(c, 'cal');
    expect(await ann.send(['cal'])).toEqual({ cal: 'queued' });
    await c.server.close();
    const cal = await Person.connected(b, 'cal');
    await cal.connect(1000);
    expect(cal.heard).toMatchObject([hello]);
  });

  it('that wait on another node and are handed over there are not kept any more', async () => {
    const [a, b, c] = await apiNodes(cluster(), settings({ ttl: 60_000 }));
    const ann = await Person.connected(a, 'ann');
    const cal = await Person.connected(c, 'cal');
    expect(await ann.send(['cal'])).toEqual({ cal: 'queued' });
    await cal.connect(0);
    expect(cal.heard).toMatchObject([hello]);
    const later = await Person.connected(b, 'cal');
    await later.connect(200);
    expect(later.heard).toEqual([]);
  });

  it('for a node that does not answer count as those for nobody, and are kept', async () => {
    const proxy = await CutProxy.to(cluster().redis.port);
    const a = await apiNode(cluster(), settings({ ttl: 60_000 }));
    const b = await apiNode(cluster(), { ...settings({ ttl: 60_000 }), redis: { url: proxy.url } });
    await acquainted([a, b]);
    const ann = await Person.connected(a, 'ann');
    const bob = await Person.connected(b, 'bob');
    proxy.refuse();
    expect(await ann.send(['bob'])).toEqual({ bob: 'queued' });
    proxy.admit();
    await bob.connect(0);
    const again = await Person.connected(a, 'bob');
    await expect
      .poll(async () => {
        await again.connect(0);
        await bob.connect(0);
        return [...bob.heard, ...again.heard];
      }, patience)
      .toMatchObject([hello]);
  });
});
