import { expect } from 'vitest';
import { HttpClient } from '../long/http-client.ts';

/** What one batch of subscribes weighs. Bytes. */
const BATCH = 106 * 1024;

const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };

type Reply = { readonly [key: string]: unknown };
type Subscribe = (clientId: string) => readonly object[];

function subscribe(clientId: string, patterns: readonly string[]): object {
  const replay = Object.fromEntries(patterns.map((pattern) => [pattern, -2]));
  return { channel: '/meta/subscribe', clientId, subscription: patterns, ext: { replay } };
}

/** As many subscribes with replay as fit: each to the same pattern, which all channels match. */
export const toOnePattern: Subscribe = (clientId) => {
  const message = subscribe(clientId, ['/d/**']);
  return Array.from({ length: Math.floor(BATCH / (JSON.stringify(message).length + 1)) }, () => message);
};

/** The same to as many patterns as fit, of which each matches a thousandth of the channels. */
export const toManyPatterns: Subscribe = (clientId) => {
  const messages: object[] = [];
  const each = 40;
  for (let bytes = 0, at = 0; bytes < BATCH; at += each) {
    const patterns = Array.from(
      { length: each },
      (_, of) => `/d/${(at + of) % 1000}/*${(at + of) % 2 ? '*' : ''}`,
    );
    const message = subscribe(clientId, patterns);
    messages.push(message);
    bytes += JSON.stringify(message).length + 1;
  }
  return messages;
};

/** Sessions, one after another, that send such a batch and take what is replayed. Gives the replies to the batches. */
export async function replayFlood(
  url: string,
  sessions: number,
  batch: Subscribe,
): Promise<readonly Reply[]> {
  const client = new HttpClient(url, 1);
  const replies: Reply[] = [];
  for (let session = 0; session < sessions; session += 1) {
    const [welcome] = await client.post(handshake);
    const clientId = String(welcome?.clientId);
    const messages = batch(clientId);
    expect(JSON.stringify(messages).length).toBeGreaterThan(BATCH - 2000);
    replies.push(...(await client.post(messages)).filter(({ channel }) => channel === '/meta/subscribe'));
    const connect = {
      channel: '/meta/connect',
      clientId,
      connectionType: 'long-polling',
      advice: { timeout: 0 },
    };
    for (let page = 0; page < 10; page += 1) await client.post(connect);
  }
  client.close();
  return replies;
}
