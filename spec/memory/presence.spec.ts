import { expect, it } from 'vitest';
import { HttpClient } from '../long/http-client.ts';
import { held, MeasuredServer } from './measured-server.ts';

const MiB = 1_048_576;
const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };

/** Sessions that subscribe to channels of their own until they are refused. Gives how many subscriptions there are. */
async function flood(url: string, sessions: number, each: number, prefix: string): Promise<number> {
  const client = new HttpClient(url, 4);
  let subscriptions = 0;
  for (let session = 0; session < sessions; session += 1) {
    const [welcome] = await client.post(handshake);
    for (let at = 0; at < each; at += 20) {
      const subscription = Array.from({ length: 20 }, (_, of) => `${prefix}/${session}-${at + of}`);
      // Snapshots of the subscriptions before come with the reply.
      const messages = await client.post({
        channel: '/meta/subscribe',
        clientId: String(welcome?.clientId),
        subscription,
      });
      const reply = messages.find(({ channel }) => channel === '/meta/subscribe');
      if (reply?.successful === true) subscriptions += 20;
      else expect(reply).toMatchObject({ error: '413:server:too_many_subscriptions' });
    }
  }
  client.close();
  return subscriptions;
}

it.each(['/chat', '/presence/chat'])(
  'subscriptions below %s take what presence.maxBytes allows, and not twice as much',
  async (prefix) => {
    const bound = 8 * MiB;
    const server = await MeasuredServer.start({
      presence: { maxBytes: bound, grace: 600_000 },
      maxInterval: 600_000,
      channels: { '/chat/*': { presence: true }, '/warm/*': { presence: true } },
    });
    await flood(server.url, 4, 100, prefix.replace('chat', 'warm'));
    const before = await server.measure();
    const subscriptions = await flood(server.url, 40, 400, prefix);
    const after = await server.measure();
    expect(subscriptions).toBeGreaterThan(2000);
    expect(subscriptions).toBeLessThan(bound / 1500);
    expect(held(after) - held(before)).toBeLessThan(2 * bound);
    expect(held(after) - held(before)).toBeGreaterThan(bound / 4);
  },
);
