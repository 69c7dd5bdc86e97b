import { describe, expect, it } from 'vitest';
import type { ApiKey, ServerSettings } from '../../../src/index.ts';
import { FakeClock } from '../../../src/testing/fake-clock.ts';
import { Bus, BusEngine } from '../../support/bus-engine.ts';
import { FakeClient } from '../../support/fake-client.ts';
import { type exchange, socket } from '../../support/fake-conduit.ts';
import { until } from '../../support/until.ts';
import { type Answer, KEY, type Probe, probe } from './probe.ts';

const chat: ApiKey = { name: 'chat', key: 'a-key-for-the-chat', rights: ['read'], channels: ['/chat/**'] };

/** A node with its API, whose engine a spec can disturb. */
interface Node extends Probe {
  readonly engine: BusEngine;
  /** Asks with the key that has all rights. */
  ask(path: string): Promise<Answer>;
  act(path: string, body: unknown): Promise<Answer>;
  /** Opens a session of a user, who subscribes. */
  enter(
    user: string,
    patterns?: readonly string[],
    conduit?: ReturnType<typeof exchange>,
  ): Promise<FakeClient>;
}

/** Three nodes of one cluster. Their time is one. */
async function cluster(settings: ServerSettings = {}) {
  const clock = new FakeClock();
  const bus = new Bus(clock);
  const start = async (): Promise<Node> => {
    const engine = new BusEngine(bus);
    const users: string[] = [];
    const policy = { canHandshake: () => ({ allow: true, user: users.shift() ?? '' }) as const };
    const started = await probe({ key: KEY, keys: [chat] }, { clock, engine, policy, ...settings });
    return {
      ...started,
      engine,
      ask: (path) => started.get(path, { key: KEY }),
      act: (path, body) => started.post(path, { key: KEY, body }),
      enter: async (user, patterns = [], conduit) => {
        users.push(user);
        const client = await FakeClient.connected(started.server, conduit);
        if (patterns.length > 0) await client.subscribe([...patterns]);
        return client;
      },
    };
  };
  const nodes: [Node, Node, Node] = [await start(), await start(), await start()];
  /** What comes when a node does not answer the others: after 500 ms. */
  const without = async ({ engine }: Node, asked: () => Promise<Answer>): Promise<Answer> => {
    engine.answers = false;
    const answer = asked();
    await until(() => clock.pending > before);
    await clock.tick(500);
    engine.answers = true;
    return answer;
  };
  const before = clock.pending;
  return { nodes, clock, without };
}

const idsOf = (...clients: FakeClient[]) => clients.map(({ session }) => session.id).sort();

/** All items of a list, page by page, as often as a page has some. */
async function pagesOf({ ask }: Node, path: string, name: string, limit: number): Promise<unknown[][]> {
  const pages: unknown[][] = [];
  let after = '';
  for (;;) {
    const { body } = await ask(
      `${path}?limit=${limit}${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`,
    );
    pages.push(body[name]);
    expect(body.complete).toBeUndefined();
    if (body.next === undefined) return pages;
    after = body.next;
  }
}

describe('the lists of the API', () => {
  it('have the sessions of all nodes, from any node, each once, by id, in pages', async () => {
    const { nodes } = await cluster();
    const clients: FakeClient[] = [];
    for (const node of nodes) for (let at = 0; at < 3; at += 1) clients.push(await node.enter('ann'));
    for (const node of nodes) {
      const pages = await pagesOf(node, '/sessions', 'sessions', 4);
      expect(pages.map((page) => page.length)).toEqual([4, 4, 1]);
      expect(pages.flat()).toEqual(
        idsOf(...clients).map((id) => expect.objectContaining({ id, user: 'ann' })),
      );
      for (const { clientId } of clients) expect(JSON.stringify(pages)).not.toContain(clientId);
    }
  });

  it('filter the sessions on each node', async () => {
    const { nodes } = await cluster();
    const [a, b, c] = nodes;
    const ann = await a.enter('ann', ['/chat/*']);
    const phone = await b.enter('ann', [], socket({ address: '2001:db8::1' }));
    const bob = await c.enter('bob', ['/chat/**']);
    const ids = async (query: string) =>
      (await b.ask(`/sessions?${query}`)).body.sessions.map(({ id }: { id: string }) => id);
    expect(await ids('user=ann')).toEqual(idsOf(ann, phone));
    expect(await ids('channel=/chat/news')).toEqual(idsOf(ann, bob));
    expect(await ids('channel=/chat/news&user=bob')).toEqual(idsOf(bob));
    expect(await ids('transport=websocket')).toEqual(idsOf(phone));
    expect(await ids('address=2001:db8::ffff')).toEqual(idsOf(phone));
  });

  it('add up users and channels over the nodes', async () => {
    const { nodes } = await cluster();
    const [a, b, c] = nodes;
    await a.enter('ann', ['/chat/a', '/chat/*']);
    await b.enter('ann', ['/chat/a']);
    await b.enter('bob', ['/chat/b']);
    await c.enter('cid', ['/chat/c', '/chat/a']);
    expect(await pagesOf(c, '/users', 'users', 2)).toEqual([
      [
        { user: 'ann', sessions: 2 },
        { user: 'bob', sessions: 1 },
      ],
      [{ user: 'cid', sessions: 1 }],
    ]);
    expect(await pagesOf(a, '/channels', 'channels', 3)).toEqual([
      [
        { channel: '/chat/*', sessions: 1 },
        { channel: '/chat/a', sessions: 3 },
        { channel: '/chat/b', sessions: 1 },
      ],
      [{ channel: '/chat/c', sessions: 1 }],
    ]);
    const { body } = await b.get('/channels?pattern=/chat/*', { key: chat.key });
    expect(body.channels).toHaveLength(4);
  });

  it('say when a node does not answer within 500 ms, and have the others', async () => {
    const { nodes, without } = await cluster();
    const [a, b, c] = nodes;
    const [ann, cid] = [await a.enter('ann', ['/x']), await c.enter('cid', ['/x'])];
    await b.enter('bob', ['/x']);
    const sessions = await without(b, () => a.ask('/sessions'));
    expect(sessions.body.sessions.map(({ id }: { id: string }) => id)).toEqual(idsOf(ann, cid));
    expect(sessions.body.complete).toBe(false);
    expect((await without(b, () => a.ask('/users'))).body).toEqual({
      users: [
        { user: 'ann', sessions: 1 },
        { user: 'cid', sessions: 1 },
      ],
      complete: false,
    });
    expect((await without(b, () => c.ask('/channels'))).body).toEqual({
      channels: [{ channel: '/x', sessions: 2 }],
      complete: false,
    });
    expect((await without(b, () => c.ask('/stats'))).body).toMatchObject({
      nodes: 2,
      sessions: 2,
      complete: false,
    });
    expect((await a.ask('/users')).body.complete).toBeUndefined();
  });

  it('leave out a node whose answer cannot be used, such as one of another version', async () => {
    const { nodes } = await cluster();
    const [a, b, c] = nodes;
    await c.enter('cid');
    for (const answer of [null, {}, { answer: 1 }, { answer: { items: [{ name: 'x' }] } }, { code: 'new' }]) {
      b.server.nodes.answer('api', () => answer);
      expect((await a.ask('/users')).body).toEqual({
        users: [{ user: 'cid', sessions: 1 }],
        complete: false,
      });
    }
    b.server.nodes.answer('api', () => Promise.reject(new Error('a bug')));
    expect((await a.ask('/sessions')).body).toMatchObject({ sessions: [{ user: 'cid' }], complete: false });
  });
});

describe('GET /stats', () => {
  it('sums the counts of all nodes', async () => {
    const { nodes } = await cluster({ maxSessions: 5 });
    const [a, b, c] = nodes;
    await a.enter('ann', ['/x']);
    const bob = await b.enter('bob', ['/x']);
    await b.enter('bob', [], socket());
    await a.server.publish('/x', 1);
    await c.server.publish('/x', 1);
    await bob.publish('/y', 1);
    const sum = (count: (server: Node['server']) => number) =>
      nodes.reduce((all, { server }) => all + count(server), 0);
    const { body } = await c.ask('/stats');
    expect(body).toMatchObject({
      state: 'open',
      at: c.clock.now(),
      nodes: 3,
      sessions: 3,
      maxSessions: 15,
      transports: { 'long-polling': 2, websocket: 1 },
      channels: 2,
      handshakes: 3,
      opened: 3,
      publishes: 3,
      deliveries: sum(({ counts }) => counts.deliveries),
    });
    const times = body.publishToFlush;
    expect(times.counts).toHaveLength(times.bounds.length + 1);
    expect(times.counts.reduce((all: number, one: number) => all + one)).toBe(
      sum(({ counts }) => counts.flushes.counts.reduce((all, one) => all + one)),
    );
    expect(times.bounds).toEqual((await a.ask('/stats')).body.publishToFlush.bounds);
  });
});

describe('a session of another node', () => {
  it('is shown as by its own node', async () => {
    const { nodes } = await cluster();
    const [a, b] = nodes;
    const ann = await b.enter('ann', ['/x', '/y/*']);
    const path = `/sessions/${ann.session.id}`;
    const { status, body } = await a.ask(path);
    expect([status, body]).toEqual([200, (await b.ask(path)).body]);
    expect(body.subscriptions).toEqual(['/x', '/y/*']);
    expect(JSON.stringify(body)).not.toContain(ann.clientId);
  });

  it('gets an event, and is ended', async () => {
    const { nodes } = await cluster();
    const [a, b] = nodes;
    const ann = await b.enter('ann');
    const path = `/sessions/${ann.session.id}/deliver`;
    expect((await a.act(path, { channel: '/private', data: 'hello' })).body).toEqual({ sessions: 1 });
    expect(ann.session.waiting).toBe(1);
    expect((await a.act('/disconnect', { session: ann.session.id })).body).toEqual({ sessions: 1 });
    expect(ann.session.state).toBe('gone');
    expect((await a.act('/disconnect', { session: ann.session.id })).body).toEqual({ sessions: 0 });
    expect((await a.act(path, { channel: '/private', data: 'hello' })).body).toMatchObject({
      status: 404,
      code: 'session_unknown',
    });
  });

  it('is ended with all others of its user', async () => {
    const { nodes, without } = await cluster();
    const [a, b, c] = nodes;
    const [first, second, other] = [await b.enter('ann'), await c.enter('ann'), await c.enter('bob')];
    expect((await a.act('/disconnect', { user: 'ann' })).body).toEqual({ sessions: 2 });
    expect([first, second, other].map(({ session }) => session.state)).toEqual(['gone', 'gone', 'idle']);
    const left = await c.enter('ann');
    await b.enter('ann');
    const { body } = await without(c, () => a.act('/disconnect', { user: 'ann' }));
    expect(body).toEqual({ sessions: 1, complete: false });
    expect(left.session.state).toBe('idle');
  });

  it('cannot be reached while its node does not answer, and is unknown when the node is gone', async () => {
    const { nodes, without } = await cluster();
    const [a, b] = nodes;
    const ann = await b.enter('ann');
    const path = `/sessions/${ann.session.id}`;
    const silent = { status: 503, code: 'node_silent' };
    expect((await without(b, () => a.ask(path))).body).toMatchObject(silent);
    const event = { channel: '/private', data: 1 };
    expect((await without(b, () => a.act(`${path}/deliver`, event))).body).toMatchObject(silent);
    expect((await without(b, () => a.act('/disconnect', { session: ann.session.id }))).body).toMatchObject(
      silent,
    );
    expect([ann.session.state, ann.session.waiting]).toEqual(['idle', 0]);
    await b.server.close();
    expect((await a.ask(path)).body).toMatchObject({ status: 404, code: 'session_unknown' });
    expect((await a.act('/disconnect', { session: ann.session.id })).body).toEqual({ sessions: 0 });
  });

  it('is explained by its node, and a user by the nodes with sessions of the user', async () => {
    const { nodes } = await cluster({ journal: true });
    const [a, b, c] = nodes;
    const ann = await b.enter('ann', ['/x']);
    await c.enter('ann', ['/y']);
    await a.enter('bob');
    await a.server.publish('/x', 1);
    const codes = async (node: Node, query: string) => {
      const { status, body } = await node.ask(`/explain?channel=/x&${query}`);
      expect(status).toBe(200);
      return body.findings.map(({ code }: { code: string }) => code);
    };
    const path = `session=${ann.session.id}`;
    const own = await codes(b, path);
    expect(own).toContain('subscribed');
    expect(await codes(a, path)).toEqual(own);
    const both = await codes(a, 'user=ann');
    expect(both).toEqual(expect.arrayContaining(['subscribed']));
    expect(both).not.toContain('never_here');
    expect(both.length).toBeGreaterThan((await codes(a, path)).length);
    expect(await codes(a, 'user=nobody')).toContain('never_here');
    await b.server.close();
    expect(await codes(a, path)).toContain('never_here');
  });
});

describe('GET /nodes', () => {
  it('lists the nodes, the one that answers first', async () => {
    const { nodes } = await cluster();
    const [a, b, c] = nodes;
    await b.enter('ann');
    const { body } = await b.ask('/nodes');
    expect(body.nodes).toEqual([
      {
        name: b.server.node,
        isThis: true,
        version: expect.any(String),
        started: expect.any(Number),
        state: 'open',
        sessions: 1,
      },
      ...[a.server.node, c.server.node].sort().map((name) => ({ name, isThis: false })),
    ]);
    expect((await b.get('/nodes', { key: chat.key })).body).toMatchObject({ code: 'channel_denied' });
  });
});
