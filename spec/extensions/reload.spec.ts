import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';

const ways = { 'long-polling': () => exchange(), websocket: () => socket() };

describe.each(Object.entries(ways))('a page that is loaded anew (RL-1), over %s', (_name, wire) => {
  it.each([
    ['plain', {}],
    ['acked', { ext: { ack: true } }],
  ])('goes on with its clientId on a fresh connection: nothing is lost (%s)', async (_kind, fields) => {
    const { server, clock } = serve();
    const client = await FakeClient.connected(server, wire(), fields);
    const old = wire();
    await client.connect({ ext: { ack: 0 } }, old);
    expect(client.session.state).toBe('held');
    client.lose(old);
    expect(client.session.state).toBe('idle');
    for (const data of [1, 2, 3]) client.session.deliver('/a', data);
    await client.flushed();
    expect(old.events).toEqual([]);
    // The session lives at least `maxInterval` meanwhile.
    await clock.tick(14_999);

    const fresh = wire();
    await client.connect({ advice: { timeout: 0 }, ext: { ack: 0 } }, fresh);
    await client.flushed();
    expect(fresh.data).toEqual([1, 2, 3]);
    const reply = fresh.replies[0];
    expect(reply).toMatchObject({
      successful: true,
      advice: { reconnect: 'retry', interval: 0, timeout: 30_000 },
    });
    expect(server.usage.sessions).toBe(1);
  });
});

describe('a page that is loaded anew', () => {
  it('has to shake hands again where each socket needs a handshake of its own (WS-10)', async () => {
    const { server } = serve({ websocket: { requireHandshakePerConnection: true } });
    const old = socket();
    const client = await FakeClient.connected(server, old);
    client.lose(old);
    const fresh = await client.connect({ advice: { timeout: 0 } }, socket());
    expect(fresh.reply).toMatchObject({ successful: false, error: '402::session_unknown' });
  });
});
