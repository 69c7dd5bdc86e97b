import { describe, expect, it, vi } from 'vitest';
import type { Extension } from '../../src/ports/session.ts';
import type { CloseReason } from '../../src/ports/conduit.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket, stream } from '../support/fake-conduit.ts';

const stop = { reconnect: 'none', interval: 0, timeout: 30_000 };
const notice = { channel: '/meta/disconnect', successful: true };

function watched(settings = {}) {
  const { server, clock } = serve(settings);
  const closed: CloseReason[] = [];
  server.on('session.closed', ({ reason }) => closed.push(reason));
  return { server, clock, closed };
}

describe('a disconnect by the client', () => {
  it('ends the session, and all that belongs to it (DC-1)', async () => {
    const { server, clock, closed } = watched();
    const client = await FakeClient.connected(server, exchange({ browser: 'b0123456' }));
    await client.subscribe(['/a', '/b/**']);
    const held = await client.connect({ id: 'c' });
    expect(server.usage).toEqual({ sessions: 1, channelNodes: 2, browsers: 1, addresses: 0 });
    const { reply } = await client.send(client.message('/meta/disconnect', { id: 'd' }));
    expect(reply).toEqual({ id: 'd', ...notice, clientId: client.clientId });
    expect(held.messages).toMatchObject([{ id: 'c', successful: true, advice: stop }]);
    expect([server.usage, clock.pending]).toEqual([
      { sessions: 0, channelNodes: 0, browsers: 0, addresses: 0 },
      0,
    ]);
    expect(closed).toEqual(['disconnect']);
    for (const again of [
      await client.disconnect(),
      await client.subscribe('/a'),
      await client.publish('/a', 1),
    ]) {
      expect(again.reply).toMatchObject({ successful: false, error: '402::session_unknown' });
    }
  });

  it('on a socket has the connect answered first, then itself, and the socket ended (DC-2, DC-3)', async () => {
    const { server } = watched();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.connect({ id: 'c' }, wire);
    wire.batches.length = 0;
    await client.send(client.message('/meta/disconnect', { id: 'd' }), wire);
    expect(wire.messages).toMatchObject([
      { id: 'c', successful: true, advice: stop },
      { id: 'd', successful: true },
    ]);
    expect(wire.ends).toEqual(['disconnected']);
    expect(wire.session).toBeUndefined();
  });

  it('ends the event stream (DC-3)', async () => {
    const { server } = watched();
    const client = await FakeClient.connected(server);
    const events = stream();
    void server.joinStream(client.clientId, events);
    await client.disconnect();
    expect([events.messages, events.ends]).toEqual([[], ['disconnected']]);
  });

  it('may take along what waits, and drops the rest (DC-4)', async () => {
    const { server } = watched();
    const client = await FakeClient.connected(server);
    const held = await client.connect();
    client.session.deliver('/a', 1);
    const { messages } = await client.disconnect();
    expect([held.data, messages.length]).toEqual([[1], 1]);
    client.session.deliver('/a', 2);
    expect(client.session.outbox.size).toBe(0);
  });

  it('of nobody fails, without advice (DC-5)', async () => {
    const { server } = watched();
    const client = await FakeClient.open(server);
    for (const clientId of ['x', undefined]) {
      const { reply } = await client.send(client.message('/meta/disconnect', { id: 'd', clientId }));
      expect(reply).toEqual({
        id: 'd',
        channel: '/meta/disconnect',
        successful: false,
        error: '402::session_unknown',
      });
    }
  });

  it('leaves no connect unanswered that comes while an extension thinks', async () => {
    const waiting: (() => void)[] = [];
    const slow: Extension = {
      name: 'slow',
      outgoing: (reply) =>
        asking ? new Promise((resolve) => void waiting.push(() => resolve(reply))) : reply,
    };
    let asking = false;
    const { server, clock } = watched({ extensions: [slow] });
    const client = await FakeClient.connected(server);
    const held = await client.connect();
    asking = true;
    const gone = client.disconnect();
    await client.flushed();
    const late = await client.connect();
    // The held connect, the late one, the disconnect itself.
    for (let replies = 0; replies < 3; replies += 1) {
      waiting.shift()?.();
      await client.flushed();
    }
    await gone;
    for (const { reply } of [held, late])
      expect(reply).toMatchObject({ channel: '/meta/connect', advice: stop });
    expect(clock.pending).toBe(0);
  });

  it('answers once more a connect that comes from within the answer to the one before', async () => {
    const { server, clock, closed } = watched();
    const client = await FakeClient.connected(server);
    const wire = socket();
    await client.connect({}, wire);
    wire.batches.length = 0;
    // As a client in this very process would: each connect that succeeded is followed by the next one.
    const send = wire.send.bind(wire);
    wire.send = (batch, handover) => {
      send(batch, handover);
      const [reply] = wire.batches.at(-1) ?? [];
      if (reply?.channel === '/meta/connect' && reply.successful === true) void client.connect({}, wire);
    };
    await client.disconnect();
    expect(wire.messages).toMatchObject([
      { channel: '/meta/connect', successful: true, advice: stop },
      { channel: '/meta/connect', successful: true, advice: stop },
      { channel: '/meta/connect', error: '402::session_unknown' },
    ]);
    expect([closed, server.sessions.size, clock.pending]).toEqual([['disconnect'], 0, 0]);
  });

  it('waits for what was said before it (PR-12)', async () => {
    let allow: (answer: boolean) => void = () => {};
    const { server, closed } = watched({
      policy: {
        canPublish: () =>
          new Promise<boolean>((resolve) => {
            allow = resolve;
          }),
      },
    });
    const client = await FakeClient.connected(server);
    const published = client.publish('/a', 1);
    const gone = client.disconnect();
    await client.flushed();
    expect(closed).toEqual([]);
    allow(true);
    expect([(await published).reply.successful, (await gone).reply.successful]).toEqual([true, true]);
    expect(closed).toEqual(['disconnect']);
  });
});

describe('session.disconnect() (DC-6, DC-7)', () => {
  const last = { successful: false, error: '410::session_disconnected', advice: stop };

  it('has a held connect say so, after the notice', async () => {
    const { server, clock, closed } = watched();
    const client = await FakeClient.connected(server);
    const held = await client.connect({ id: 'c' });
    client.session.disconnect();
    expect(held.messages).toEqual([notice, { id: 'c', channel: '/meta/connect', ...last }]);
    expect([server.sessions.size, clock.pending, closed]).toEqual([0, 0, ['disconnected']]);
  });

  it('tells the socket, answers the connect held there, and ends it', async () => {
    const { server } = watched();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.connect({ id: 'c' }, wire);
    wire.batches.length = 0;
    client.session.disconnect();
    expect(wire.messages).toMatchObject([notice, { id: 'c', ...last }]);
    expect(wire.ends).toEqual(['disconnected']);
  });

  it.each([
    ['socket', socket()],
    ['stream', stream()],
  ])('tells a %s without a held connect, and ends it', async (_shape, push) => {
    const { server } = watched();
    const client = await FakeClient.connected(server);
    client.session.attach(push);
    client.session.disconnect();
    expect([push.messages, push.ends]).toEqual([[notice], ['disconnected']]);
  });

  it.each([
    // A connect that polls takes the events from a socket.
    ['socket', socket(), []],
    ['stream', stream(), ['disconnected']],
  ])('tells it once where a connect is held beside a %s', async (_shape, push, ends) => {
    const { server } = watched();
    const client = await FakeClient.connected(server);
    client.session.attach(push);
    const held = await client.connect({ id: 'c' });
    client.session.disconnect();
    expect(held.messages).toMatchObject([notice, { id: 'c', ...last }]);
    expect([push.messages, push.ends]).toEqual([[], ends]);
  });

  it.each([
    ['later', (reply: never) => Promise.resolve(reply)],
    ['never', () => undefined],
  ])('tells a stream before it ends it, even what an extension lets out %s', async (_when, outgoing) => {
    const { server } = watched({ extensions: [{ name: 'x', kinds: ['disconnect'], outgoing }] });
    const client = await FakeClient.connected(server);
    const push = stream();
    client.session.attach(push);
    const order = [vi.spyOn(push, 'send'), vi.spyOn(push, 'end')];
    client.session.disconnect();
    await client.flushed();
    expect([push.messages, push.ends]).toEqual([[notice], ['disconnected']]);
    const [sent = 0, ended = 0] = order.map(({ mock }) => mock.invocationCallOrder[0]);
    expect(sent).toBeLessThan(ended);
  });

  it('can tell nobody where nothing is open; the next connect hears of it', async () => {
    const { server, closed } = watched();
    const client = await FakeClient.connected(server);
    client.session.disconnect();
    client.session.disconnect();
    expect(closed).toEqual(['disconnected']);
    expect((await client.connect()).reply).toMatchObject({ error: '402::session_unknown' });
  });

  it('lets go of what it held while an extension takes its time', async () => {
    const slow = { name: 'slow', outgoing: (reply: never) => Promise.resolve(reply) };
    const { server, clock } = watched({ extensions: [slow] });
    const client = await FakeClient.connected(server);
    const held = await client.connect({ id: 'c' });
    client.session.disconnect();
    await client.flushed();
    expect(held.messages).toMatchObject([notice, { id: 'c', ...last }]);
    expect(clock.pending).toBe(0);
  });
});
