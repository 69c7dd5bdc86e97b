import { request } from 'node:http';
import { AckExtension, CometD } from 'cometd';
import { describe, expect, it, onTestFinished } from 'vitest';
import { host } from '../interop/host.ts';
import '../interop/node-clients.ts';
import { DarkProxy } from '../support/dark-proxy.ts';
import { until } from '../support/until.ts';
import { handshake, WebSocketClient, type Wire } from './websocket-client.ts';

// More than the kernel takes for a peer that does not read, so that it is never handed over whole.
const BIG = 'x'.repeat(8_000_000);
const room = {
  maxQueueBytes: 100_000_000,
  maxMessageSize: 20_000_000,
  websocket: { maxBufferedBytes: 1_000_000 },
};
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

interface Heard {
  readonly data: unknown;
  readonly marked: boolean;
}

function noted({ data, ext }: Wire): Heard {
  return { data: data === BIG ? 'big' : data, marked: JSON.stringify(ext) === '{"redelivered":true}' };
}

describe('CometD 9 whose link dies without a sign', () => {
  it.each([
    ['without ack', false, 'unflushed'],
    ['without ack, with lost replies sent again', false, 'resend'],
    ['with ack', true, 'unflushed'],
  ] as const)('is served within 1 s of its new WebSocket, %s', async (_name, ack, redelivery) => {
    const { url, server } = await host({ ...room, redelivery, maxQueue: 100 });
    const proxy = await DarkProxy.before(url);
    const heard: Heard[] = [];
    const client = new CometD();
    client.configure({
      url: `${proxy.origin}/bayeux`,
      logLevel: 'warn',
      backoffIncrement: 10,
      maxBackoff: 50,
    });
    for (const type of client.getTransportTypes()) if (type !== 'websocket') client.unregisterTransport(type);
    if (ack) client.registerExtension('ack', new AckExtension());
    client.registerExtension('note', {
      incoming(message) {
        if (message.channel === '/news') heard.push(noted(message as unknown as Wire));
        return message;
      },
    });
    onTestFinished(() => client.disconnect());
    await new Promise((resolve) => {
      client.addListener('/meta/connect', resolve);
      client.handshake();
    });
    await new Promise((resolve) => client.subscribe('/news', () => {}, resolve));
    const [session] = server.sessions;
    await until(() => session?.state === 'held');

    proxy.darken();
    await server.publish('/news', BIG);
    for (const at of upTo(50)) await server.publish('/news', at);
    const began = performance.now();
    proxy.hangUp();
    await until(() => heard.length >= 51, 'what waited comes by the new socket');
    expect(performance.now() - began).toBeLessThan(1000);
    for (const block of upTo(3)) {
      for (const at of upTo(30)) await server.publish('/news', 50 + 30 * block + at);
      await until(() => heard.length === 81 + 30 * block);
    }
    expect(heard.map(({ data }) => data)).toEqual(['big', ...upTo(140)]);
    if (ack) expect(heard.filter(({ marked }) => marked)).toEqual([]);
    expect([...server.sessions]).toEqual([session]);
  });
});

/** One HTTP request on a connection of its own, and what its response has brought so far. */
class Asked {
  /** All messages that came whole. */
  readonly messages: Wire[] = [];
  #text = '';

  constructor(url: string, message?: Wire) {
    const [method, Accept] = message === undefined ? ['GET', 'text/event-stream'] : ['POST', '*/*'];
    const headers = { Accept, 'Content-Type': 'application/json' };
    const asked = request(url, { method, agent: false, headers });
    onTestFinished(() => void asked.destroy());
    asked.on('error', () => {});
    asked.on('response', (response) => {
      response.setEncoding('utf8').on('error', () => {});
      response.on('data', (chunk: string) => this.#read(chunk));
      response.on('end', () => this.#read('\n'));
    });
    asked.end(message === undefined ? undefined : JSON.stringify([message]));
  }

  get heard(): Heard[] {
    return this.messages.filter(({ channel }) => channel === '/news').map(noted);
  }

  // A batch is a line: of a stream, or the whole of a response.
  #read(chunk: string): void {
    this.#text += chunk;
    if (!chunk.includes('\n')) return;
    const lines = this.#text.split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) {
      const json = line.replace('data: ', '');
      if (json.startsWith('[')) this.messages.push(...JSON.parse(json));
    }
  }

  async answered(): Promise<Wire> {
    await until(() => this.messages.length > 0, 'an answer');
    return this.messages[0] ?? {};
  }
}

/** A client over bare HTTP that has connected once. */
async function polling(url: string) {
  const { clientId } = await new Asked(url, handshake()).answered();
  const say = (channel: string, fields: Wire = {}) =>
    new Asked(url, { id: channel, channel, clientId, ...fields });
  const connect = () => say('/meta/connect', { connectionType: 'long-polling' });
  await say('/meta/subscribe', { subscription: '/news' }).answered();
  await connect().answered();
  return { connect, stream: () => new Asked(`${url}/${clientId}`) };
}

describe('a bare client whose link dies without a sign', () => {
  it('is served by its next poll within 1 s', async () => {
    const { url, server } = await host(room);
    const proxy = await DarkProxy.before(url);
    const client = await polling(`${proxy.origin}/bayeux`);
    const [session] = server.sessions;
    const dead = client.connect();
    await until(() => session?.state === 'held');
    proxy.darken();
    await server.publish('/news', BIG);
    await until(() => session?.state === 'idle');

    const began = performance.now();
    const next = client.connect();
    await server.publish('/news', 1);
    await until(() => next.heard.length > 0, 'the next poll is answered');
    expect(performance.now() - began).toBeLessThan(1000);
    expect(dead.heard).toEqual([]);
    // A response that broke off is none: it was not read.
    const rest = next.heard.length === 1 ? client.connect() : next;
    await until(() => rest.heard.some(({ data }) => data === 1));
    const all = next === rest ? next.heard : [...next.heard, ...rest.heard];
    expect(all).toEqual([
      { data: 'big', marked: false },
      { data: 1, marked: false },
    ]);
  });

  it.each([
    ['without ack', 'unflushed', false, []],
    ['without ack, with lost replies sent again', 'resend', false, [{ data: 0, marked: true }]],
    ['with ack', 'unflushed', true, [{ data: 0, marked: false }]],
  ] as const)(
    'is served by polls after a WebSocket within 1 s, %s',
    async (_name, redelivery, ack, again) => {
      const { url, server } = await host({ redelivery, timeout: 100 });
      const proxy = await DarkProxy.before(url);
      const wire = await WebSocketClient.shaken(`${proxy.origin}/bayeux`, ack ? { ext: { ack } } : {});
      await wire.connected('/news');
      const [session] = server.sessions;
      wire.hold();
      await until(() => session?.state === 'held');
      // Its connect is answered, but the answer is lost: from here on the socket holds none.
      proxy.darken();
      await server.publish('/news', 0);
      await until(() => session?.state === 'idle');

      const began = performance.now();
      const messages: Wire[] = [];
      const poll = async (fields: Wire) => {
        const seen = messages.findLast(({ channel }) => channel === '/meta/connect')?.ext ?? { ack: 0 };
        const connect = { connectionType: 'long-polling', ...(ack && { ext: seen }), ...fields };
        const asked = new Asked(`${proxy.origin}/bayeux`, wire.message('/meta/connect', connect));
        await asked.answered();
        messages.push(...asked.messages);
        expect(performance.now() - began).toBeLessThan(1000);
      };
      const heard = () => messages.filter(({ channel }) => channel === '/news').map(noted);
      await poll({ advice: { timeout: 0 } });
      for (const at of [1, 2]) await server.publish('/news', at);
      while (heard().length < again.length + 2) await poll({});
      const fresh = [1, 2].map((data) => ({ data, marked: false }));
      expect(heard()).toEqual([...again, ...fresh]);
    },
  );

  it('is served by its next stream within 1 s', async () => {
    const { url, server } = await host({ ...room, transports: ['long-polling', 'eventsource'] });
    const proxy = await DarkProxy.before(url);
    const client = await polling(`${proxy.origin}/bayeux`);
    const [session] = server.sessions;
    const dead = client.stream();
    await until(() => session?.push !== undefined);
    proxy.darken();
    await server.publish('/news', BIG);
    for (const at of [1, 2]) await server.publish('/news', at);

    const began = performance.now();
    const next = client.stream();
    await until(() => next.heard.length === 3, 'the next stream brings what waited');
    expect(performance.now() - began).toBeLessThan(1000);
    expect(next.heard.map(({ data }) => data)).toEqual(['big', 1, 2]);
    expect(next.heard[0]).toEqual({ data: 'big', marked: true });
    expect(dead.heard).toEqual([]);
  });
});
