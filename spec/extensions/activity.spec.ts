import { describe, expect, it } from 'vitest';
import type { ActivityMode } from '../../src/features/activity.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { exchange, socket, type Wire } from '../support/fake-conduit.ts';

const MINUTE = 60_000;

/** A client of a server that ends it after a minute without activity, and connects meanwhile. */
async function open(mode: ActivityMode, wire = exchange()) {
  const clock = new FakeClock();
  const { server } = serve({ clock, hookTimeout: 2 * MINUTE, activity: { mode, maxInactivity: MINUTE } });
  const reasons: string[] = [];
  server.on('session.closed', ({ reason }) => reasons.push(reason));
  const client = await FakeClient.connected(server, wire);
  const via = () => (wire.shape === 'socket' ? wire : exchange());
  /** Connects and lets half a minute pass. */
  const half = async (): Promise<readonly Wire[]> => {
    const conduit = via();
    const before = conduit.messages.length;
    await client.connect({}, conduit);
    const answered = conduit.messages.slice(before);
    await clock.tick(MINUTE / 2);
    return answered;
  };
  return { server, clock, client, via, half, reasons };
}

const ended = {
  channel: '/meta/connect',
  successful: false,
  error: '410::session_disconnected',
  advice: { reconnect: 'none', interval: 0, timeout: 30_000 },
};

describe('activity (AC-1)', () => {
  it('ends a session that only connects, when it connects, and says why', async () => {
    const { server, clock, half, reasons } = await open('client');
    await half();
    await half();
    expect(await half()).toEqual([]);
    expect(await half()).toMatchObject([ended]);
    expect([server.usage.sessions, reasons]).toEqual([0, ['inactive']]);
    expect(clock.pending).toBe(0);
  });

  it('tells a client that listens on a socket so before it answers (DC-6)', async () => {
    const { half, reasons } = await open('client', socket());
    for (let at = 0; at < 3; at += 1) await half();
    expect(await half()).toMatchObject([{ channel: '/meta/disconnect', successful: true }, ended]);
    expect(reasons).toEqual(['inactive']);
  });

  it.each([
    ['publishes', (client: FakeClient) => client.publish('/a', 1)],
    ['subscribes', (client: FakeClient) => client.subscribe('/a')],
    ['unsubscribes', (client: FakeClient) => client.unsubscribe('/a')],
  ])('lets a client live that %s now and then', async (_what, act) => {
    const { client, half } = await open('client');
    for (let at = 0; at < 6; at += 1) {
      expect(await half()).toEqual([]);
      if (at % 2 === 1) await act(client);
    }
    expect(client.session.state).not.toBe('gone');
  });

  it.each([
    ['client', 'gone'],
    ['client-server', 'idle'],
  ] as const)('of mode %s: a client that is only sent events is %s', async (mode, state) => {
    const { client, half } = await open(mode);
    for (let at = 0; at < 6; at += 1) {
      client.session.deliver('/a', at);
      await client.connect();
      await half();
    }
    expect(client.session.state).toBe(state);
  });

  it('counts replies as activity of the server, connect replies aside', async () => {
    const { client, clock, half } = await open('client-server');
    client.session.extend({
      name: 'slow',
      outgoing: (reply, _session, { kind }) =>
        kind === 'publish' ? new Promise((resolve) => clock.after(MINUTE, () => resolve(reply))) : reply,
    });
    const publish = client.publish('/a', 1);
    await half();
    await half();
    await publish;
    expect(await half()).toEqual([]);
    await half();
    await half();
    expect(client.session.state).not.toBe('gone');
    await half();
    expect(client.session.state).toBe('gone');
  });
});
