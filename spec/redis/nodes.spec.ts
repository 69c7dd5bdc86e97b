import { createServer } from 'node:http';
import express from 'express';
import { expect, it, onTestFinished } from 'vitest';
import { api, type LocalSession, type NodeStatus, Server } from '../../src/index.ts';
import { redisEngine, type RedisEngineOptions } from '../../src/redis/redis-engine.ts';
import { entriesOf } from '../../src/redis/reply.ts';
import { ApiDocument } from '../http/api/probe.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { FakeClient } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';
import { listening } from '../support/start.ts';
import { describeWithRedis } from './cluster.ts';

const KEY = 'a-key-with-all-rights-of-a-cluster';
const patience = { timeout: 10_000, interval: 50 };

/** A server on Redis with its HTTP API. */
class Node {
  readonly server: Server;
  readonly #url: string;
  readonly #document: ApiDocument;

  private constructor(server: Server, url: string, document: ApiDocument) {
    this.server = server;
    this.#url = url;
    this.#document = document;
  }

  static async start(options: RedisEngineOptions): Promise<Node> {
    const engine = redisEngine({ timeout: 300, ...options });
    const server = new Server({ engine, journal: true, drain: { window: 5000 }, log: () => {} });
    await server.open();
    // The second call cuts the drain short.
    onTestFinished(async () => void (await Promise.all([server.close(), server.close()])));
    const url = await listening(createServer(express().use('/api', api(server, { key: KEY }))));
    const document = new ApiDocument(JSON.parse(await (await fetch(`${url}/api/openapi.json`)).text()));
    return new Node(server, `${url}/api`, document);
  }

  /** The body of the answer, which is as the document of the API says. */
  async ask(path: string, body?: object) {
    const method = body === undefined ? 'GET' : 'POST';
    const response = await fetch(this.#url + path, {
      method,
      headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const { status, headers } = response;
    const answer = JSON.parse(await response.text());
    this.#document.check(method, path, { status, headers, body: answer });
    return answer;
  }

  /** The nodes by their names, without the fields that are of no interest here. */
  async nodes(): Promise<Record<string, Partial<NodeStatus> & { isThis: boolean; isLinked?: boolean }>> {
    const { nodes } = await this.ask('/nodes');
    return Object.fromEntries(nodes.map(({ name, ...more }: { name: string }) => [name, more]));
  }
}

describeWithRedis('three servers on one Redis, seen from any of them,', (cluster) => {
  const namespace = () => cluster().keys.prefix.slice(1, -2);
  const start = (url = cluster().redis.url) => Node.start({ url, namespace: namespace() });

  async function threeNodes(): Promise<[Node, Node, Node]> {
    const nodes: [Node, Node, Node] = [await start(), await start(), await start()];
    for (const { server } of nodes) await expect.poll(() => server.nodes.others.length, patience).toBe(2);
    return nodes;
  }

  /** What a session hears in the channels. */
  async function listener({ server }: Node, user: string, ...channels: string[]) {
    const heard: unknown[] = [];
    const session: LocalSession = await server.localSession({ user });
    for (const channel of channels) await session.subscribe(channel, ({ data }) => void heard.push(data));
    return { session, heard };
  }

  it('are listed with their versions, states, sessions, lag and last beats', async () => {
    const [a, b, c] = await threeNodes();
    // Enough that a drain takes a while.
    for (let at = 0; at < 20; at += 1) await FakeClient.connected(b.server);
    const others = await a.nodes();
    expect(Object.keys(others)[0]).toBe(a.server.node);
    expect(Object.keys(others)).toHaveLength(3);
    await expect
      .poll(async () => (await a.nodes())[b.server.node], patience)
      .toEqual({
        isThis: false,
        version: others[a.server.node]?.version,
        formats: [1, 1],
        started: expect.any(Number),
        state: 'open',
        sessions: 20,
        lag: { entries: 0, ms: 0 },
        sinceBeat: expect.any(Number),
      });
    const age = (await a.nodes())[c.server.node]?.sinceBeat;
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThan(3000);
    void b.server.close();
    await expect.poll(async () => (await a.nodes())[b.server.node]?.state, patience).toBe('draining');
    void b.server.close();
    await expect.poll(async () => Object.keys(await a.nodes()), patience).not.toContain(b.server.node);
  });

  it('give the sessions, users, channels and counts of all', async () => {
    const [a, b, c] = await threeNodes();
    const all = [
      await listener(a, 'ann', '/x'),
      await listener(b, 'ann', '/x'),
      await listener(c, 'bob', '/y'),
    ];
    const ids = all.map(({ session }) => session.id).sort();
    for (const node of [a, b, c]) {
      const { sessions, ...more } = await node.ask('/sessions');
      expect([sessions.map(({ id }: { id: string }) => id), more]).toEqual([ids, {}]);
      const first = await node.ask('/sessions?limit=2');
      expect((await node.ask(`/sessions?limit=2&after=${first.next}`)).sessions).toHaveLength(1);
      expect(await node.ask('/users')).toEqual({
        users: [
          { user: 'ann', sessions: 2 },
          { user: 'bob', sessions: 1 },
        ],
      });
      expect(await node.ask('/channels')).toEqual({
        channels: [
          { channel: '/x', sessions: 2 },
          { channel: '/y', sessions: 1 },
        ],
      });
      expect(await node.ask('/stats')).toMatchObject({ nodes: 3, sessions: 3, opened: 3 });
    }
  });

  it('show, explain, send to and end a session of any of them, and all sessions of a user', async () => {
    const [a, b, c] = await threeNodes();
    const { session, heard } = await listener(b, 'ann', '/x', '/private');
    await listener(c, 'ann', '/x');
    const { id } = session;
    expect(await a.ask(`/sessions/${id}`)).toMatchObject({
      id,
      user: 'ann',
      subscriptions: ['/private', '/x'],
    });
    expect((await a.ask(`/explain?channel=/x&session=${id}`)).findings).toContainEqual(
      expect.objectContaining({ code: 'subscribed' }),
    );
    // Each was asked for after the answer before: they keep that order.
    await a.ask('/publish', { channel: '/x', data: 1 });
    expect(await a.ask(`/sessions/${id}/deliver`, { channel: '/private', data: 2 })).toEqual({ sessions: 1 });
    await a.ask('/publish', { channel: '/x', data: 3 });
    await expect.poll(() => heard, patience).toEqual([1, 2, 3]);
    expect(await a.ask('/disconnect', { session: id })).toEqual({ sessions: 1 });
    expect(await a.ask(`/sessions/${id}`)).toMatchObject({ code: 'session_unknown' });
    expect(await a.ask('/disconnect', { user: 'ann' })).toEqual({ sessions: 1 });
    expect((await b.ask('/stats')).sessions).toBe(0);
  });

  it('say when one of them does not answer, and what its trouble was', async () => {
    const [a, b] = [await start(), await start()];
    const proxy = await CutProxy.to(cluster().redis.port);
    const c = await start(proxy.url);
    for (const { server } of [a, b, c]) await expect.poll(() => server.nodes.others.length, patience).toBe(2);
    const [ann, cid] = [await listener(a, 'ann'), await listener(c, 'cid')];
    expect((await b.ask('/users')).users).toHaveLength(2);
    proxy.refuse();
    expect(await b.ask('/users')).toEqual({ users: [{ user: 'ann', sessions: 1 }], complete: false });
    expect(await b.ask(`/sessions/${cid.session.id}`)).toMatchObject({ code: 'node_silent' });
    expect((await b.ask(`/sessions/${ann.session.id}`)).user).toBe('ann');
    const own = (await c.nodes())[c.server.node];
    expect([own?.state, own?.trouble?.why]).toEqual(['away', expect.any(String)]);
    await expect.poll(async () => Object.keys(await b.nodes()), patience).not.toContain(c.server.node);
    proxy.admit();
    await expect
      .poll(async () => (await b.nodes())[c.server.node]?.trouble, patience)
      .toEqual({ why: expect.any(String), at: expect.any(Number) });
    // It reads its mailbox by another connection, which may be back a little later.
    await expect.poll(async () => (await b.ask('/users')).users, patience).toHaveLength(2);
  });

  it('tell whether they are linked, and count what they forward', async () => {
    const links = { listen: '127.0.0.1:0', secret: 'a-secret-of-these-specs-that-is-long-enough' };
    const linked = () => Node.start({ url: cluster().redis.url, namespace: namespace(), cluster: links });
    const [a, b] = [await linked(), await linked()];
    await expect.poll(async () => (await a.nodes())[b.server.node]?.isLinked, patience).toBe(true);
    await expect.poll(async () => (await b.nodes())[a.server.node]?.isLinked, patience).toBe(true);
    const { clientId } = await FakeClient.open(b.server);
    const text = JSON.stringify([{ channel: '/meta/subscribe', clientId, subscription: '/x' }]);
    await a.server.receive(a.server.decode(text), exchange(), text);
    await expect.poll(() => b.server.nodes.links, patience).toEqual({ up: 1, out: 0, in: 1 });
    expect(a.server.nodes.links).toEqual({ up: 1, out: 1, in: 0 });
    expect((await a.ask('/sessions')).sessions).toHaveLength(1);
  });

  it('put no clientId into Redis, nor into what they ask each other', async () => {
    const [a, b] = [await start(), await start()];
    await expect.poll(() => a.server.nodes.others.length, patience).toBe(1);
    await listener(b, 'ann', '/x');
    const [session] = b.server.sessions;
    const { id = '', clientId = '' } = session ?? {};
    await a.ask(`/sessions/${id}`);
    await a.ask('/sessions');
    await a.ask(`/sessions/${id}/deliver`, { channel: '/private', data: 1 });
    const texts: string[] = [];
    for (const { server } of [a, b]) {
      const { keys } = cluster();
      const entries = entriesOf(await cluster().send('XRANGE', keys.mailbox(server.node), '-', '+'));
      texts.push(
        JSON.stringify(entries),
        String(await cluster().send('GET', `${keys.prefix}n:${server.node}`)),
      );
    }
    expect(texts.join('')).toContain(id);
    // The name of the node begins both ids.
    expect(texts.join('')).not.toContain(clientId.slice(8));
  });
});
