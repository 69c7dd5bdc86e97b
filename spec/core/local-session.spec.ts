import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';

describe('a session in this process (IP-1, IP-2)', () => {
  it('goes through the same pipeline as any other', async () => {
    const kinds: string[] = [];
    const { server } = serve({
      extensions: [
        {
          name: 'watch',
          incoming: (request) => {
            kinds.push(request.kind);
            return request;
          },
        },
      ],
    });
    const local = await server.localSession();
    const heard: unknown[] = [];
    const stop = await local.subscribe('/chat/*', (event) => heard.push(event));
    const remote = await FakeClient.connected(server);
    await remote.publish('/chat/a', { x: 1 });
    await local.publish('/chat/b', 2);
    await remote.flushed();
    expect(heard).toEqual([
      { channel: '/chat/a', data: { x: 1 } },
      { channel: '/chat/b', data: 2 },
    ]);
    await stop();
    await stop();
    await remote.publish('/chat/a', 3);
    await remote.flushed();
    expect(heard).toHaveLength(2);
    await local.disconnect();
    await local.disconnect();
    expect(kinds).toEqual([
      'handshake',
      'subscribe',
      'handshake',
      'connect',
      'publish',
      'publish',
      'unsubscribe',
      'publish',
      'disconnect',
    ]);
    expect(server.usage).toMatchObject({ sessions: 1, channelNodes: 0 });
  });

  it('is heard by remote ones, who learn nothing of it', async () => {
    const { server } = serve();
    const remote = await FakeClient.connected(server);
    await remote.subscribe('/a');
    const local = await server.localSession();
    await local.publish('/a', 1);
    expect((await remote.connect()).events).toEqual([{ channel: '/a', data: 1 }]);
  });

  it('is told why it is not let in', async () => {
    const { server } = serve({ maxSessions: 1 });
    const first = await server.localSession();
    await expect(server.localSession()).rejects.toThrow('503::no_room');
    await first.disconnect();
    await server.localSession();
    await server.close();
    await expect(server.localSession()).rejects.toThrow('the server is closed');
  });

  it('never expires, and needs no timer', async () => {
    const { server, clock } = serve();
    const local = await server.localSession();
    expect(clock.pending).toBe(0);
    await clock.tick(1e9);
    await local.publish('/a', 1);
    expect(server.session(local.id)?.state).toBe('new');
  });

  it('is asked for no permission', async () => {
    const { server } = serve({
      policy: { canHandshake: () => false, canSubscribe: () => false, canPublish: () => false },
    });
    const local = await server.localSession();
    await local.subscribe('/vip', () => {});
    await local.publish('/vip', 1);
  });

  it('is not listed, and a connect may not name it (FF-1)', async () => {
    const { server } = serve();
    const hello = exchange();
    const client = await FakeClient.connected(server, hello);
    expect(hello.reply.supportedConnectionTypes).not.toContain('in-process');
    for (const connectionType of ['in-process', 'iframe']) {
      expect((await client.connect({ connectionType })).reply).toMatchObject({
        error: `301:${connectionType}:connection_type_unsupported`,
      });
    }
  });

  it('shares no object with anyone (IP-2)', async () => {
    const { server } = serve();
    const [one, two] = [await server.localSession(), await server.localSession()];
    const got: unknown[] = [];
    const spoil = (event: { data?: unknown }) => {
      got.push(structuredClone(event.data));
      if (typeof event.data === 'object' && event.data !== null) Object.assign(event.data, { spoiled: true });
    };
    await one.subscribe('/a', spoil);
    await one.subscribe('/**', spoil);
    await two.subscribe('/a', spoil);
    const data = { x: 1 };
    const published = one.publish('/a', data);
    Object.assign(data, { late: true });
    await published;
    await new Promise((resolve) => void setImmediate(resolve));
    expect(got).toEqual([{ x: 1 }, { x: 1 }, { x: 1 }]);
    expect(data).toEqual({ x: 1, late: true });
  });

  it.each([undefined, () => 1, 1n])('publishes nothing JSON cannot carry: %s', async (data) => {
    const { server } = serve();
    const local = await server.localSession();
    await expect(local.publish('/a', data)).rejects.toMatchObject({ name: 'UsageError' });
  });

  it('hears of failures as errors', async () => {
    const { server } = serve();
    const local = await server.localSession();
    await expect(local.publish('/a/*', 1)).rejects.toMatchObject({
      name: 'BayeuxError',
      text: '405:/a/*:channel_invalid',
    });
    await expect(local.subscribe('/meta/x', () => {})).rejects.toMatchObject({ code: 'subscribe_denied' });
    local.session.disconnect();
    await expect(local.publish('/a', 1)).rejects.toMatchObject({ code: 'session_unknown' });
  });

  it('is refused where there is no room, or an extension will not have it', async () => {
    const { server } = serve({ maxSessions: 1 });
    await server.localSession();
    await expect(server.localSession()).rejects.toMatchObject({ name: 'BayeuxError' });
    const strict = serve({ extensions: [{ name: 'no', outgoing: () => undefined }] }).server;
    await expect(strict.localSession()).rejects.toMatchObject({ code: 'message_deleted' });
    expect(strict.usage.sessions).toBe(0);
  });

  it('tells several listeners of one pattern, and stops them one by one', async () => {
    const { server } = serve();
    const local = await server.localSession();
    const heard: string[] = [];
    const stopOne = await local.subscribe('/a', () => heard.push('one'));
    const stopTwo = await local.subscribe('/a', () => heard.push('two'));
    await server.publish('/a', 1);
    await new Promise((resolve) => void setImmediate(resolve));
    await stopOne();
    await server.publish('/a', 2);
    await new Promise((resolve) => void setImmediate(resolve));
    await stopTwo();
    expect([heard, server.usage.channelNodes]).toEqual([['one', 'two', 'two'], 0]);
  });

  it('is unharmed by a listener that throws', async () => {
    const logged: string[] = [];
    const { server } = serve({ log: ({ event }) => logged.push(event) });
    const local = await server.localSession();
    const heard: unknown[] = [];
    await local.subscribe('/a', () => {
      throw new Error('bug');
    });
    await local.subscribe('/**', ({ data }) => heard.push(data));
    await server.publish('/a', 1);
    await new Promise((resolve) => void setImmediate(resolve));
    expect([heard, logged.filter((event) => event === 'listener.failed')]).toEqual([
      [1],
      ['listener.failed'],
    ]);
  });

  it('ends with the server', async () => {
    const { server } = serve();
    const local = await server.localSession();
    await server.close();
    expect(local.session.state).toBe('gone');
    await expect(local.publish('/a', 1)).rejects.toMatchObject({ name: 'BayeuxError' });
    await expect(server.localSession()).rejects.toMatchObject({ name: 'UsageError' });
  });
});
