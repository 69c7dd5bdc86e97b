import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, type FakeConduitOptions, socket } from '../support/fake-conduit.ts';

const browser = 'browser1';
const tab = (options: FakeConduitOptions = {}): FakeConduit => exchange({ browser, ...options });
const multi = { reconnect: 'retry', interval: 2000, timeout: 30_000, 'multiple-clients': true };

async function tabs(settings = {}) {
  const { server, clock } = serve(settings);
  const [one, two] = [await FakeClient.connected(server, tab()), await FakeClient.connected(server, tab())];
  return { server, clock, one, two };
}

describe('tabs of one browser (CK-4, CN-12)', () => {
  it('share its connections: the surplus one polls', async () => {
    const { server, clock, one, two } = await tabs();
    const held = await one.connect({}, tab());
    const { reply } = await two.connect({}, tab());
    expect(reply).toMatchObject({ successful: true, advice: multi });
    expect([held.messages, server.usage.browsers]).toEqual([[], 1]);
    // EX-1: its pause counts.
    await clock.tick(16_999);
    expect(two.session.state).toBe('idle');
    await clock.tick(1);
    expect(two.session.state).toBe('gone');
  });

  it.each([
    ['the hold timer', async ({ clock }) => clock.tick(30_000)],
    ['an event', async ({ server, one }) => server.publish('/a', 1).then(() => one.flushed())],
    ['a disconnect', async ({ one }) => one.disconnect()],
    ['the server', async ({ one }) => one.session.disconnect()],
    ['a lost connection', async ({ one, held }) => one.lose(held)],
    ['a newer connect', async ({ one }) => one.connect({ advice: { timeout: 0 } }, tab())],
    ['a connect on a socket', async ({ one }) => one.connect({}, socket())],
  ] as [string, (all: Awaited<ReturnType<typeof tabs>> & { held: FakeConduit }) => Promise<unknown>][])(
    'are counted down by %s (CK-5)',
    async (_how, end) => {
      const all = await tabs();
      await all.one.subscribe('/a');
      const held = await all.one.connect({}, tab());
      expect(all.server.usage.browsers).toBe(1);
      await all.two.publish('/keeps/me/alive', 1);
      await end({ ...all, held });
      expect(all.server.usage.browsers).toBe(0);
      if (all.two.session.state === 'gone') return;
      await all.two.connect({}, tab());
      expect(all.two.session.state).toBe('held');
    },
  );

  it('are refused with multiSessionInterval 0', async () => {
    const { one, two } = await tabs({ multiSessionInterval: 0 });
    await one.connect({}, tab());
    expect((await two.connect({ id: 'c' }, tab())).reply).toEqual({
      id: 'c',
      channel: '/meta/connect',
      successful: false,
      error: '429::too_many_tabs',
      advice: { reconnect: 'none', interval: 0, timeout: 30_000, 'multiple-clients': true },
    });
  });

  it.each([
    [{ maxSessionsPerBrowser: -1 }, {}, 'held'],
    [{ maxSessionsPerBrowser: 2 }, {}, 'held'],
    [{}, { http2: true }, 'held'],
    [{ http2MaxSessionsPerBrowser: 1 }, { http2: true }, 'idle'],
  ])('with %j over %j: the second is %s', async (settings, options, state) => {
    const { one, two } = await tabs(settings);
    await one.connect({}, tab(options));
    await two.connect({}, tab(options));
    expect(two.session.state).toBe(state);
  });

  it('are counted one by one', async () => {
    const { server, one, two } = await tabs({ maxSessionsPerBrowser: 2 });
    await one.connect({}, tab());
    await two.connect({}, tab());
    const three = await FakeClient.connected(server, tab());
    expect((await three.connect({}, tab())).reply).toMatchObject({ advice: multi });
    await one.disconnect();
    await three.connect({}, tab());
    expect([three.session.state, server.usage.browsers]).toEqual(['held', 1]);
    const four = await FakeClient.connected(server, tab());
    expect((await four.connect({}, tab())).reply).toMatchObject({ advice: multi });
  });

  it('with 0 are never held', async () => {
    const { one } = await tabs({ maxSessionsPerBrowser: 0 });
    expect((await one.connect({}, tab())).reply).toMatchObject({ advice: multi });
  });

  it('are not counted over sockets, nor without a cookie, nor between browsers', async () => {
    const { server, one, two } = await tabs();
    const [wires, strangers] = [
      [socket(), socket()],
      [await FakeClient.connected(server), await FakeClient.connected(server)],
    ];
    await one.connect({}, wires[0]);
    await two.connect({}, wires[1]);
    for (const stranger of strangers) await stranger.connect();
    const other = await FakeClient.connected(server, exchange({ browser: 'browser2' }));
    await other.connect();
    const all = [one, two, other, ...strangers].map(({ session }) => session.state);
    expect(all).toEqual(all.map(() => 'held'));
  });

  it('that replace their own connect are not counted twice', async () => {
    const { server, one } = await tabs();
    for (let at = 0; at < 3; at += 1) await one.connect({}, tab());
    expect([one.session.state, server.usage.browsers]).toEqual(['held', 1]);
    await one.disconnect();
    expect(server.usage.browsers).toBe(0);
  });

  it('still get events that wait, though there is no room to hold them', async () => {
    const { one, two } = await tabs();
    await one.connect({}, tab());
    two.session.deliver('/a', 1);
    expect((await two.connect({}, tab())).data).toEqual([1]);
  });
});
