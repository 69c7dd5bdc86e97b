import { expect, it } from 'vitest';
import { HttpClient } from '../long/http-client.ts';
import { held, MeasuredServer, politeWhile } from './measured-server.ts';

const MiB = 1_048_576;
/** What `maxSubscriptionBytes` is with a heap of 256 MiB, or a little more. */
const BOUND = 32 * MiB;

/** Sessions that subscribe to names, in messages of a hundred, until they are refused. Gives how many subscriptions there are. */
async function flood(url: string, sessions: number, each: number, nameOf: NameOf): Promise<number> {
  const client = new HttpClient(url, 4);
  let subscriptions = 0;
  const one = async (session: number): Promise<void> => {
    const [welcome] = await client.post(handshake);
    const clientId = String(welcome?.clientId);
    for (let at = 0; at < each; at += 100) {
      const subscription = Array.from({ length: 100 }, (_, of) => nameOf(session, at + of));
      const [reply] = await client.post({ channel: '/meta/subscribe', clientId, subscription });
      if (reply?.successful !== true) {
        expect(reply).toMatchObject({ error: '413:server:too_many_subscriptions' });
        return;
      }
      subscriptions += 100;
    }
  };
  for (let at = 0; at < sessions; at += 4) await Promise.all([0, 1, 2, 3].map((more) => one(at + more)));
  client.close();
  return subscriptions;
}

type NameOf = (session: number, at: number) => string;

const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };

const letters = (number: number, length: number) => number.toString(36).padStart(length, '0');
const deep = (segments: number, length: number): NameOf => {
  return (session, at) => `/${letters(session * 1000 + at, length)}`.repeat(segments);
};

it.each<[string, NameOf]>([
  ['with 16 segments of their own', deep(16, 4)],
  ['as long as they may be', deep(1, 254)],
  ['that are short', (session, at) => `/${session}-${at}`],
  ['that differ in their last segment', (session, at) => `${'/a'.repeat(15)}/${session}-${at}`],
  ['with a pattern behind 15 segments', (session, at) => `${deep(15, 4)(session, at)}/**`],
  ['that two sessions share', (session, at) => `/${Math.floor(session / 2)}/${at}`],
  ['that all sessions share', (_, at) => `${'/shared'.repeat(15)}/${at}`],
])('subscriptions to names %s take what the option allows, and not twice as much', async (_, nameOf) => {
  const bound = 8 * MiB;
  const server = await MeasuredServer.start({ maxSubscriptionBytes: bound, maxInterval: 600_000 });
  await flood(server.url, 4, 100, (session, at) => `/warm/${session}/${at}`);
  const before = await server.measure();
  const subscriptions = await flood(server.url, 80, 1000, nameOf);
  const after = await server.measure();
  expect(subscriptions).toBeGreaterThan(14_000);
  const grown = held(after) - held(before);
  expect(grown).toBeLessThan(2 * bound);
});

it('a flood of subscriptions ends at the bound, and others are served meanwhile', async () => {
  const server = await MeasuredServer.start({ maxInterval: 600_000 });
  await politeWhile(server.url, Promise.resolve());
  const before = await server.measure();
  const flooding = flood(server.url, 300, 1000, deep(16, 14));
  expect(await politeWhile(server.url, flooding)).toBeLessThan(1000);
  const after = await server.measure();
  expect(held(after) - held(before)).toBeLessThan(2 * BOUND);
  expect(await politeWhile(server.url, Promise.resolve())).toBeLessThan(1000);
}, 120_000);
