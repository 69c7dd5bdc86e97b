import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';
import { SlowHistory } from '../support/slow-history.ts';
import { turn } from '../support/until.ts';
import { Bus, BusEngine } from '../support/bus-engine.ts';

describe('the result of server.publish', () => {
  it('counts each session once, by whatever it subscribes', async () => {
    const { server } = serve();
    const both = await FakeClient.connected(server);
    await both.subscribe(['/a/b', '/a/*', '/**']);
    const one = await FakeClient.connected(server, socket());
    await one.subscribe('/a/*', socket());
    expect(await server.publish('/a/b', 1)).toEqual({ sessions: 2 });
    expect(await server.publish('/c', 1)).toEqual({ sessions: 1 });
    expect(
      await server.publishAll([
        { channel: '/a/x', data: 1 },
        { channel: '/none', data: 1 },
      ]),
    ).toEqual([{ sessions: 2 }, { sessions: 1 }]);
  });

  it('counts no session for which the event was dropped', async () => {
    const { server } = serve({
      channels: { '/few': { overflow: { action: 'dropNewest', maxEvents: 1 } } },
      extensions: [{ name: 'quiet', delivering: (event) => (event.data === 'secret' ? undefined : event) }],
    });
    const client = await FakeClient.open(server);
    await client.subscribe('/few');
    const first = server.publish('/few', 1);
    const second = server.publish('/few', 2);
    expect(await Promise.all([first, second])).toEqual([{ sessions: 1 }, { sessions: 0 }]);
    expect(await server.publish('/few', 'secret')).toEqual({ sessions: 0 });
  });

  it('counts no session that the event ends', async () => {
    const { server } = serve({ maxQueue: 1 });
    const client = await FakeClient.open(server);
    await client.subscribe('/a');
    expect(await server.publish('/a', 1)).toEqual({ sessions: 1 });
    expect(await server.publish('/a', 2)).toEqual({ sessions: 0 });
    expect(client.session.state).toBe('gone');
  });

  it('has the id of a durable channel, whether the store is fast or slow', async () => {
    for (const history of [undefined, new SlowHistory(turn)]) {
      const { server } = serve({ channels: { '/d/**': { history: true } }, ...(history && { history }) });
      const client = await FakeClient.connected(server);
      await client.subscribe('/d/*');
      const [one, two] = await Promise.all([server.publish('/d/1', 1), server.publish('/d/2', 2)]);
      expect([one.sessions, two.sessions]).toEqual([1, 1]);
      expect(two.id).toBe((one.id ?? 0) + 1);
      const [three, plain] = await server.publishAll([
        { channel: '/d/1', data: 3 },
        { channel: '/plain', data: 4 },
      ]);
      expect([three, plain]).toEqual([{ sessions: 1, id: (two.id ?? 0) + 1 }, { sessions: 0 }]);
      await server.close();
    }
  });

  it('counts the sessions of this node, also when the engine takes its time', async () => {
    const bus = new Bus();
    const [here, there] = [serve({ engine: new BusEngine(bus) }), serve({ engine: new BusEngine(bus) })];
    await Promise.all([here.server.open(), there.server.open()]);
    for (const { server } of [here, there, there]) {
      const client = await FakeClient.connected(server);
      await client.subscribe('/a');
    }
    const together = await Promise.all([here.server.publish('/a', 1), there.server.publish('/a', 2)]);
    expect(together).toEqual([{ sessions: 1 }, { sessions: 2 }]);
  });
});

describe('the lists of a server', () => {
  it('are names and patterns with the number of their sessions, and users with theirs', async () => {
    const { server } = serve({ policy: { canHandshake: () => ({ allow: true, user: 'ann' }) } });
    const one = await FakeClient.connected(server);
    const two = await FakeClient.connected(server);
    await one.subscribe(['/a', '/a/*', '/a/**']);
    await two.subscribe(['/a', '/b']);
    expect([...server.channels]).toEqual([
      { channel: '/a', sessions: 2 },
      { channel: '/b', sessions: 1 },
      { channel: '/a/*', sessions: 1 },
      { channel: '/a/**', sessions: 1 },
    ]);
    expect([...server.users]).toEqual([{ user: 'ann', sessions: 2 }]);
    await one.send(one.message('/meta/disconnect'));
    await two.send(two.message('/meta/disconnect'));
    expect([[...server.channels], [...server.users]]).toEqual([[], []]);
  });

  it('have sessions with their address and the number of events that wait', async () => {
    const { server } = serve();
    const client = await FakeClient.open(server, exchange({ address: '203.0.113.7' }));
    await client.subscribe('/a');
    await server.publish('/a', 1);
    await server.publish('/a', 2);
    expect([client.session.address, client.session.waiting]).toEqual(['203.0.113.7', 2]);
  });
});
