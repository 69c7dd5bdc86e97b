import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';

describe('a queue that is full (DL-10)', () => {
  it('costs the session its life, and only that session', async () => {
    const { server, clock } = serve({ maxQueue: 3 });
    const closed: unknown[] = [];
    server.on('session.closed', ({ session, reason }) => closed.push([session.id, reason]));
    const [slow, other] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await slow.subscribe('/a');
    await other.subscribe('/a');
    const held = await other.connect();
    for (let at = 0; at < 3; at += 1) await server.publish('/a', at);
    await other.flushed();
    expect([slow.session.state, held.data]).toEqual(['idle', [0, 1, 2]]);
    await server.publish('/a', 3);
    expect([slow.session.state, closed]).toEqual(['gone', [[slow.session.id, 'overflow']]]);
    expect((await other.connect()).data).toEqual([3]);
    await other.disconnect();
    expect([server.usage.channelNodes, clock.pending]).toEqual([0, 0]);
  });

  it('counts bytes too', async () => {
    const { server } = serve({ maxQueueBytes: 100 });
    const client = await FakeClient.connected(server);
    client.session.deliver('/a', 'x'.repeat(40));
    expect(client.session.state).toBe('idle');
    client.session.deliver('/a', 'x'.repeat(40));
    expect(client.session.state).toBe('gone');
  });

  it.each([
    ['dropOldest', [2, 3, 4]],
    ['dropNewest', [0, 1, 2]],
  ] as const)('with %s keeps %j, and says so each time', async (queueOverflow, kept) => {
    const { server } = serve({ maxQueue: 3, queueOverflow });
    const told: unknown[] = [];
    server.on('overflow', ({ session, action, event }) =>
      told.push([session.id, action, event.message.data]),
    );
    const client = await FakeClient.connected(server);
    for (let at = 0; at < 5; at += 1) client.session.deliver('/a', at);
    expect((await client.connect()).data).toEqual(kept);
    expect(told).toEqual([3, 4].map((data) => [client.session.id, queueOverflow, data]));
  });

  it('asks the application, if it is a function', async () => {
    const { server } = serve({
      maxQueue: 1,
      queueOverflow: ({ event }) => (event.message.channel === '/vip' ? 'dropOldest' : 'dropNewest'),
    });
    const client = await FakeClient.connected(server);
    for (const channel of ['/a', '/b', '/vip', '/c']) client.session.deliver(channel, 1);
    expect((await client.connect()).events).toMatchObject([{ channel: '/vip' }]);
  });

  it('is on the safe side where that function throws, and goes on with the others (PR-8)', async () => {
    const logged: string[] = [];
    const { server } = serve({
      maxQueue: 1,
      log: ({ event }) => logged.push(event),
      queueOverflow: () => {
        throw new Error('bug');
      },
    });
    const [slow, other] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await slow.subscribe('/a');
    slow.session.deliver('/a', 0);
    await other.subscribe('/a');
    await server.publish('/a', 1);
    expect([slow.session.state, (await other.connect()).data]).toEqual(['gone', [1]]);
    expect(logged).toContain('overflow.failed');
  });

  it('does not empty itself for an event that could never fit', async () => {
    const { server } = serve({ maxQueueBytes: 200, queueOverflow: 'dropOldest' });
    const client = await FakeClient.connected(server);
    client.session.deliver('/a', 1);
    client.session.deliver('/a', 'x'.repeat(300));
    client.session.deliver('/a', 2);
    expect((await client.connect()).data).toEqual([1, 2]);
  });

  it('is emptied by what leaves', async () => {
    const { server } = serve({ maxQueue: 2 });
    const client = await FakeClient.connected(server);
    for (let round = 0; round < 5; round += 1) {
      client.session.deliver('/a', 1);
      client.session.deliver('/a', 2);
      expect((await client.connect({ advice: { timeout: 0 } })).data).toEqual([1, 2]);
    }
  });
});

describe('a slow reader (SEC-9, WS-15)', () => {
  it('has its events wait in its own queue, until its socket takes more', async () => {
    const { server } = serve({ maxQueue: 3 });
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    wire.full = true;
    for (let at = 0; at < 3; at += 1) client.session.deliver('/a', at);
    await client.flushed();
    expect([wire.data, client.session.outbox.size]).toEqual([[], 3]);
    wire.full = false;
    client.session.flush();
    expect(wire.data).toEqual([0, 1, 2]);
  });

  it('is not made to connect in a loop meanwhile', async () => {
    const { server } = serve();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    client.session.deliverOnly = true;
    wire.full = true;
    client.session.deliver('/a', 1);
    wire.batches.length = 0;
    await client.connect({}, wire);
    await client.flushed();
    expect([wire.messages, client.session.state]).toEqual([[], 'held']);
  });

  it('over HTTP neither: one unfinished response carries events, and the connect waits for it (DL-8)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const slow = exchange({ slow: true });
    client.session.deliver('/a', 1);
    await client.publish('/b', 1, slow);
    client.session.deliver('/a', 2);
    const held = await client.connect();
    await client.flushed();
    expect([held.messages, client.session.state]).toEqual([[], 'held']);
    slow.settle();
    await client.flushed();
    expect([slow.data, held.data]).toEqual([[1], [2]]);
  });
});
