import { describe, expect, it } from 'vitest';
import { connectOf, shakeHands } from '../support/bayeux-http.ts';
import { type ClusterNode, cluster } from '../support/cluster.ts';
import { Relay } from '../support/relay.ts';
import { settle, until } from '../support/until.ts';
import type { Wire } from '../transports/websocket-client.ts';

async function apart() {
  const relays: Relay[] = [];
  const nodes = await cluster(2, { ack: true }, async (address) => {
    const relay = await Relay.to(address);
    relays.push(relay);
    return relay.address;
  });
  const [owner, edge] = nodes;
  if (owner === undefined || edge === undefined) throw new Error('no nodes');
  return { owner, edge, relays };
}

/** A client that acknowledges, and asks again after each 503, as all clients do. */
class Polling {
  readonly #url: string;
  readonly statuses: number[] = [];
  readonly data: unknown[] = [];
  #clientId = '';
  #batch = 0;
  #isOver = false;

  constructor(url: string) {
    this.#url = url;
  }

  async open(at: string): Promise<void> {
    const types = ['long-polling'];
    const handshake = {
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: types,
      ext: { ack: true },
    };
    const [reply] = await this.#ask(at, handshake);
    this.#clientId = String(reply?.clientId);
    await this.#ask(at, { channel: '/meta/subscribe', clientId: this.#clientId, subscription: '/a' });
    await this.#ask(at, connectOf(this.#clientId, { advice: { timeout: 0 }, ext: { ack: -1 } }));
  }

  async poll(): Promise<void> {
    while (!this.#isOver) {
      const answered = await this.#ask(this.#url, connectOf(this.#clientId, { ext: { ack: this.#batch } }));
      // As clients do, it comes again a moment after an error.
      if (answered.length === 0) await settle(20);
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  async #ask(url: string, message: object): Promise<Wire[]> {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify([message]) });
    this.statuses.push(response.status);
    if (response.status !== 200) {
      await response.text();
      return [];
    }
    const messages = (await response.json()) as Wire[];
    for (const { channel, data, ext } of messages) {
      if (channel === '/a') this.data.push(data);
      if (typeof ext === 'object' && ext !== null && 'ack' in ext && typeof ext.ack === 'number')
        this.#batch = ext.ack;
    }
    return messages;
  }
}

const isHeld = ({ server }: ClusterNode) => [...server.sessions].every(({ state }) => state === 'held');

describe('a link that is cut', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])(
    'at its frame %i loses no event and brings none twice, and leaves no request unanswered',
    async (cutAt) => {
      const { owner, edge, relays } = await apart();
      const client = new Polling(edge.url);
      await client.open(owner.url);
      let passed = 0;
      for (const relay of relays)
        relay.passes = () => {
          passed += 1;
          return passed !== cutAt;
        };
      const polling = client.poll();
      const sent = [1, 2, 3, 4, 5, 6];
      for (const n of sent) {
        await until(() => isHeld(owner), 'a connect is held at the owner');
        await owner.server.publish('/a', n);
        await until(() => client.data.length >= n, `event ${n} came`);
      }
      await until(() => isHeld(owner));
      expect(client.data).toEqual(sent);
      expect(passed).toBeGreaterThan(cutAt);
      expect(new Set(client.statuses)).toEqual(new Set(client.statuses.includes(503) ? [200, 503] : [200]));
      client.stop();
      await owner.server.publish('/a', 'last');
      await polling;
      await until(() => owner.peers.load.in === 0 && edge.peers.load.out === 0);
    },
  );

  it('while a stream is asked for has it refused with 503', async () => {
    const { owner, edge, relays } = await apart();
    const clientId = await shakeHands(owner.url, { supportedConnectionTypes: ['eventsource'] });
    for (const relay of relays) relay.hold();
    const asked = fetch(`${edge.url}/${clientId}`, { headers: { Accept: 'text/event-stream' } });
    await until(() => edge.peers.load.out === 1);
    for (const relay of relays) relay.cut();
    const { status, headers } = await asked;
    expect([status, headers.get('Retry-After')]).toEqual([503, '1']);
  });

  it('while a batch is on its way counts it as not whole', async () => {
    const { owner, edge, relays } = await apart();
    const client = new Polling(edge.url);
    await client.open(owner.url);
    const polling = client.poll();
    await until(() => isHeld(owner));
    for (const relay of relays) relay.hold();
    await owner.server.publish('/a', 1);
    await until(() =>
      [...owner.server.sessions].every(({ state, waiting }) => state === 'idle' && waiting === 0),
    );
    expect(owner.server.counts.returned).toBe(0);
    for (const relay of relays) relay.cut();
    await until(() => owner.server.counts.returned === 1);
    await until(() => client.data.length === 1);
    expect(client.data).toEqual([1]);
    client.stop();
    await until(() => isHeld(owner));
    await owner.server.publish('/a', 'last');
    await polling;
  });
});
