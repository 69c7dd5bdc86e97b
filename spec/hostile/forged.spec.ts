import { describe, expect, it } from 'vitest';
import type { Transport } from '../conformance/check.ts';
import type { Client } from '../conformance/client.ts';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { client } from '../transports/sessions.ts';

const transports: readonly Transport[] = ['long-polling', 'callback-polling', 'eventsource', 'websocket'];

const forged = {
  successful: true,
  error: '402::session_unknown',
  advice: { reconnect: 'none', interval: 86_400_000, hosts: ['evil.example'] },
  subscription: '/**',
  timestamp: 'now',
  'x-messages': 3,
  ext: {
    ...{ ack: 99, auth: { token: 't' }, flow: 0, gap: { lost: 1 }, receipts: 1, redelivered: true },
    ...{ replay: { '/a': -2 }, replayId: 1, token: 't', clientId: 'x' },
  },
};

/** The next event, with all its fields. */
async function eventFor(reader: Client): Promise<unknown> {
  const { inbox, pushes } = reader.link;
  while (!pushes && inbox.items.length === 0) await reader.connect({ advice: { timeout: 0 } });
  return inbox.shift();
}

describe('what a publisher forges', () => {
  it.each(transports)('reaches no subscriber: %s (SEC-1)', async (transport) => {
    const { url } = await start();
    const reader = await client(url, { transport });
    await reader.subscribe('/a');
    const publisher = await client(url);
    await publisher.call('/a', { data: 1, ...forged, id: 'guessed' });
    expect(await eventFor(reader)).toEqual({ channel: '/a', data: 1 });
  });

  it('changes nothing in the reply to it', async () => {
    const { url } = await start();
    const publisher = await client(url);
    const message = publisher.message('/a', { ...forged, data: 1, successful: false });
    expect(await publisher.ask(message)).toEqual({ id: message.id, channel: '/a', successful: true });
    const denied = publisher.message('/meta/other', { ...forged, data: 1 });
    expect(await publisher.ask(denied)).toEqual({
      ...{ id: denied.id, channel: '/meta/other', successful: false },
      error: '403:/meta/other:publish_denied',
    });
  });
});

describe('the advice of a client', () => {
  it('holds a connect no longer than the server allows', async () => {
    const { url, clock, server } = await start();
    const alice = await client(url);
    for (const timeout of ['1e15', '1e999', '-1', '"x"', 'null']) {
      const request = { ...alice.connectRequest(), advice: 0 };
      const text = JSON.stringify([request]).replace('"advice":0', `"advice":{"timeout":${timeout}}`);
      const held = alice.link.send(text);
      await until(() => [...server.sessions].some(({ state }) => state === 'held'));
      await clock.tick(30_000);
      await expect.poll(held.answered).toBe(true);
      expect(await held.messages).toMatchObject([{ channel: '/meta/connect', successful: true }]);
    }
  });

  it('keeps a session no longer than the server allows', async () => {
    const { url, clock, server } = await start();
    const alice = await client(url);
    await alice.connect({ advice: { timeout: 0, interval: 1e15 } });
    await clock.tick(74_000);
    expect(server.sessions.size).toBe(1);
    await clock.tick(2_000);
    expect(server.sessions.size).toBe(0);
  });
});
