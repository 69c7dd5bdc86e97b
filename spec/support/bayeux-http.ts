import type { Wire } from '../transports/websocket-client.ts';

/** One request of long-polling. */
export async function post(url: string, ...messages: readonly object[]): Promise<Wire[]> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(messages) });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.json() as Promise<Wire[]>;
}

/** Shakes hands and connects once, by long-polling. Resolves to the clientId. */
export async function shakeHands(url: string, fields: object = {}): Promise<string> {
  const types = ['websocket', 'eventsource', 'long-polling', 'callback-polling'];
  const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: types };
  const [reply] = await post(url, { ...handshake, ...fields });
  const clientId = String(reply?.clientId);
  await post(url, connectOf(clientId, { advice: { timeout: 0 } }));
  return clientId;
}

/** A connect by long-polling. */
export function connectOf(clientId: string, fields: object = {}): Wire {
  return { channel: '/meta/connect', connectionType: 'long-polling', clientId, ...fields };
}
