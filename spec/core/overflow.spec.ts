import { describe, expect, it } from 'vitest';
import type { ServerSettings } from '../../src/server.ts';
import { OutgoingEvent, type OverflowRule } from '../../src/ports/outgoing-event.ts';
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

describe('the hook `lost` of a feature', () => {
  const rule = (action: OverflowRule['action']) => ({
    channels: { '/a': { overflow: { action, maxEvents: 2 } } },
  });

  it.each([
    ['the queue drops the oldest', { maxQueue: 2, queueOverflow: 'dropOldest' }, [1, 2], 'queue'],
    ['the queue drops the newest', { maxQueue: 2, queueOverflow: 'dropNewest' }, [3, 4], 'queue'],
    ['the queue is full, and the session ends', { maxQueue: 2 }, [3], 'queue'],
    ['a rule drops the oldest', rule('dropOldest'), [1, 2], 'dropOldest'],
    ['a rule drops the newest', rule('dropNewest'), [3, 4], 'dropNewest'],
    ['a rule ends the session', rule('disconnect'), [3], 'disconnect'],
  ] as const)('gets what was dropped, and why: %s', async (_how, settings, dropped, why) => {
    const { server } = serve(settings);
    const client = await FakeClient.connected(server);
    const lost: unknown[] = [];
    client.session.join([
      {
        lost: ({ message }, by) => lost.push([message.data, typeof by === 'string' ? by : by.action]),
      },
    ]);
    for (const data of [1, 2, 3, 4]) client.session.deliver('/a', data);
    expect(lost).toEqual(dropped.map((data) => [data, why]));
  });

  it('gets a volatile event that cannot leave at once', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const lost: unknown[] = [];
    client.session.join([{ lost: ({ message }, why) => lost.push([message.data, why]) }]);
    client.session.deliver('/a', 1, { volatile: true });
    expect(lost).toEqual([[1, 'volatile']]);
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

describe('a rule of a channel (too much of it waits for one session)', () => {
  const ruled = (overflow: OverflowRule, settings: ServerSettings = {}) => {
    const served = serve({ channels: { '/p/**': { overflow } }, ...settings });
    const told: unknown[] = [];
    served.server.on('overflow', ({ session: { id }, ...of }) =>
      told.push({ id, ...of, event: of.event.message.data }),
    );
    return { ...served, told };
  };

  it.each([
    ['dropOldest', [3, 4]],
    ['dropNewest', [0, 1]],
  ] as const)(
    'with %s keeps %j, on all of its channels together, and of nothing else',
    async (action, kept) => {
      const { server, told } = ruled({ action, maxEvents: 2 });
      const client = await FakeClient.connected(server);
      await client.subscribe(['/p/*', '/q']);
      for (let at = 0; at < 5; at += 1) {
        await server.publish('/q', 'other');
        await server.publish(at % 2 === 0 ? '/p/a' : '/p/b', at);
      }
      const { data } = await client.connect();
      expect(data.filter((one) => one !== 'other')).toEqual(kept);
      expect(data.filter((one) => one === 'other')).toHaveLength(5);
      const rule = server.options.channels['/p/**']?.overflow;
      expect(told).toEqual([2, 3, 4].map((event) => ({ id: client.session.id, action, rule, event })));
    },
  );

  it('with disconnect costs the session its life, and only that session', async () => {
    const { server, told } = ruled({ action: 'disconnect', maxEvents: 1 });
    const [slow, other] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    for (const client of [slow, other]) await client.subscribe('/p/a');
    await server.publish('/p/a', 1);
    expect((await other.connect()).data).toEqual([1]);
    await server.publish('/p/a', 2);
    expect([slow.session.state, other.session.state, told.length]).toEqual(['gone', 'idle', 1]);
    expect((await other.connect()).data).toEqual([2]);
  });

  it('holds for what the application sends to one session as well', async () => {
    const { server } = ruled({ action: 'dropNewest', maxEvents: 1 });
    const client = await FakeClient.connected(server);
    for (const data of [1, 2]) client.session.deliver('/p/x', data);
    expect((await client.connect()).data).toEqual([1]);
  });

  it('bounds bytes', async () => {
    const { server } = ruled({ action: 'dropOldest', maxBytes: 150 });
    const client = await FakeClient.connected(server);
    const wide = (letter: string) => letter.repeat(20);
    for (const letter of 'abcde') client.session.deliver('/p/a', wide(letter));
    client.session.deliver('/p/a', 'x'.repeat(200));
    expect((await client.connect()).data).toEqual([wide('c'), wide('d'), wide('e')]);
  });

  it('bounds age: what has waited for too long is dropped when it would leave', async () => {
    const { server, clock, told } = ruled({ action: 'dropNewest', maxAge: 1000 });
    const client = await FakeClient.connected(server);
    client.session.deliver('/p/a', 1);
    await clock.tick(600);
    client.session.deliver('/p/a', 2);
    await clock.tick(401);
    expect((await client.connect()).events).toEqual([
      { channel: '/p/a', data: 2, ext: { gap: { count: 1 } } },
    ]);
    expect(told).toMatchObject([{ action: 'dropOldest', event: 1 }]);
  });

  it('bounds age: an event may wait for all of it', async () => {
    const { server, clock } = ruled({ action: 'dropOldest', maxAge: 1000 });
    const client = await FakeClient.connected(server);
    client.session.deliver('/p/a', 1);
    await clock.tick(1000);
    expect((await client.connect()).data).toEqual([1]);
  });

  it('bounds age: with nothing left the connect is answered with what is missing, and none is sent empty', async () => {
    const wire = socket();
    const { server, clock } = ruled({ action: 'dropOldest', maxAge: 1000 });
    const client = await FakeClient.connected(server, wire);
    wire.full = true;
    client.session.deliver('/p/a', 1);
    await clock.tick(1001);
    wire.full = false;
    wire.batches.length = 0;
    client.session.flush();
    expect([wire.batches, client.session.outbox.size]).toEqual([[], 0]);
    await client.connect({ advice: { timeout: 0 } }, wire);
    expect(wire.replies.at(-1)?.ext).toEqual({ gap: { '/p/a': { count: 1 } } });
  });

  it('bounds age: what is too old makes room for what comes', async () => {
    const { server, clock } = ruled({ action: 'dropNewest', maxAge: 1000, maxEvents: 1 });
    const client = await FakeClient.connected(server);
    client.session.deliver('/p/a', 1);
    await clock.tick(1001);
    client.session.deliver('/p/a', 2);
    expect((await client.connect()).data).toEqual([2]);
  });

  it('bounds age: with disconnect the next event ends the session, and no timer does', async () => {
    const { server, clock } = ruled({ action: 'disconnect', maxAge: 1000 });
    const [slow, late] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    for (const { session } of [slow, late]) session.deliver('/p/a', 1);
    await clock.tick(1001);
    slow.session.deliver('/p/a', 2);
    expect([slow.session.state, late.session.state]).toEqual(['gone', 'idle']);
    expect((await late.connect()).data).toEqual([1]);
  });

  it.each([
    ['dropOldest', [2, 3, 'other']],
    ['dropNewest', [1, 2, 'other']],
  ] as const)('%s decides where the session has no room for an event of it', async (action, kept) => {
    const { server, told } = ruled({ action }, { maxQueue: 3 });
    const client = await FakeClient.connected(server);
    for (const data of [1, 2]) client.session.deliver('/p/a', data);
    client.session.deliver('/q', 'other');
    client.session.deliver('/p/a', 3);
    const { data } = await client.connect();
    expect(data.toSorted()).toEqual(kept);
    expect(told).toMatchObject([{ action, event: 3, rule: { action } }]);
  });

  it('drops the new event where dropping all of the rule would make no room', async () => {
    const { server, told } = ruled({ action: 'dropOldest' }, { maxQueue: 2, maxQueueBytes: 200 });
    const client = await FakeClient.connected(server);
    for (const data of [1, 2]) client.session.deliver('/q', data);
    client.session.deliver('/p/a', 3);
    expect((await client.connect({ advice: { timeout: 0 } })).data).toEqual([1, 2]);
    client.session.deliver('/p/a', 4);
    client.session.deliver('/q', 'x'.repeat(100));
    client.session.deliver('/p/a', 'y'.repeat(80));
    expect((await client.connect()).data).toEqual([4, 'x'.repeat(100)]);
    expect(told).toMatchObject([{ action: 'dropNewest' }, { action: 'dropNewest' }]);
  });

  it('counts nothing that comes from history, and drops nothing of it (RP-10)', async () => {
    const { server } = serve({ maxQueue: 2, maxQueueBytes: 1000, queueOverflow: 'dropOldest' });
    const client = await FakeClient.connected(server);
    const overflow: OverflowRule = { action: 'dropOldest', maxEvents: 1, maxBytes: 100, maxAge: 1 };
    const event = (data: unknown, replayed: boolean) =>
      new OutgoingEvent({ channel: '/p/a', data }, { overflow, replayed });
    for (let at = 0; at < 5; at += 1) client.session.queue(event('h'.repeat(400), true));
    for (const data of [1, 2]) client.session.queue(event(data, false));
    for (const data of [3, 4, 5]) client.session.deliver('/q', data);
    const { data } = await client.connect();
    expect(data).toEqual([...Array(5).fill('h'.repeat(400)), 4, 5]);
    client.session.queue(event('h'.repeat(400), true));
    await client.connect({ advice: { timeout: 0 } });
    for (const letter of 'abc') client.session.deliver('/q', letter.repeat(600));
    expect((await client.connect()).data).toEqual(['c'.repeat(600)]);
  });

  it('keeps the right ones behind a long queue too, whose holes are closed now and then', async () => {
    const { server } = ruled({ action: 'dropOldest', maxEvents: 2 });
    const client = await FakeClient.connected(server);
    for (let at = 0; at < 5000; at += 1) client.session.deliver('/q', at);
    for (let at = 0; at < 50_000; at += 1) client.session.deliver('/p/a', at);
    expect((await client.connect()).data.slice(-2)).toEqual([49_998, 49_999]);
  });
});

describe('much in one turn', () => {
  const rule = { overflow: { action: 'dropOldest', maxEvents: 3 } } as const;

  it.each([
    ['a bound of the session', { maxQueue: 3 }],
    ['the bound of a rule', { channels: { '/a': rule } }],
    ['that of lazy events', { channels: { '/a': { ...rule, lazy: true } } }],
  ] as const)('costs who reads nothing: %s', async (_name, settings) => {
    const { server } = serve(settings);
    const [wire, held] = [socket(), exchange()];
    const pushed = await FakeClient.connected(server, wire);
    await pushed.subscribe('/a', wire);
    for (let at = 0; at < 10; at += 1) void server.publish('/a', at);
    await pushed.flushed();
    expect([wire.data.slice(0, 9), pushed.session.state]).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8], 'idle']);
    const polling = await FakeClient.connected(server);
    await polling.subscribe('/a');
    await polling.connect({}, held);
    for (let at = 0; at < 6; at += 1) void server.publish('/a', at);
    expect(held.data).toEqual([0, 1, 2]);
    expect(polling.session.state).toBe('idle');
  });

  it('is still too much for a socket that takes no more', async () => {
    const { server } = serve({ channels: { '/a': rule } });
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.subscribe('/a', wire);
    wire.full = true;
    for (let at = 0; at < 10; at += 1) void server.publish('/a', at);
    expect(wire.data).toEqual([]);
    wire.full = false;
    client.session.flush();
    expect(wire.data).toEqual([7, 8, 9]);
  });
});
