import type { CometD, Extension, Message } from 'cometd';
import * as cometd from 'cometd';
import { adapt } from 'cometd-nodejs-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { ReceivedMessage } from '../../src/index.ts';
import { cometdDriver, eager } from '../interop/cometd-driver.ts';
import { close, patience, session } from '../interop/columns.ts';
import { host } from '../interop/host.ts';
import { cuttingProxy } from './cutting-proxy.ts';

// The package says nothing of what it can do.
declare module 'cometd' {
  interface TimeSyncExtension {
    outgoing(message: Message): Message;
    getTimeOffset(): number;
  }
}

adapt();

/** A client with one of the published extensions, connected. */
async function open(url: string, transport: string, name: string, extension: Extension): Promise<CometD> {
  const client = new cometd.CometD();
  client.registerExtension(name, extension);
  const driver = cometdDriver(client, url, transport, eager);
  onTestFinished(() => close(driver));
  await driver.open();
  return client;
}

/** Subscribes; what comes is added to the list that comes back. */
async function hear(client: CometD, channel: string): Promise<Message[]> {
  const heard: Message[] = [];
  await new Promise<void>((resolve, reject) => {
    client.subscribe(
      channel,
      (message) => void heard.push(message),
      ({ successful, error }) => (successful ? resolve() : reject(new Error(error))),
    );
  });
  return heard;
}

/** The same numbers each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe.each(['long-polling', 'websocket'])(
  'the extensions that come with cometd 9, over %s',
  (transport) => {
    it('acknowledge: each event arrives once and in order, though 1 response in 20 is cut short', async () => {
      const place = await host({ maxSessionsPerBrowser: -1 });
      const { origin, cuts, calm } = await cuttingProxy(Number(new URL(place.url).port), 0.05, seeded(7));
      const client = await open(`${origin}/bayeux`, transport, 'ack', new cometd.AckExtension());
      const heard = await hear(client, '/news');
      const all = Array.from({ length: 10_000 }, (_, at) => at);
      for (const at of all) {
        await place.server.publish('/news', at);
        if (at % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
        // The next one when most of this one is there, so that there are many responses to cut.
        if (at % 50 === 49) await expect.poll(() => heard.length, patience).toBeGreaterThan(at - 25);
      }
      await expect.poll(() => heard.length, patience).toBeGreaterThanOrEqual(all.length);
      expect(heard.map(({ data }) => data)).toEqual(all);
      expect(cuts()).toBeGreaterThan(0);
      // What is left, the disconnect, is not what this is about.
      calm();
      expect(place.server.sessions.size).toBe(1);
    });

    it('timesync: the client knows what time it is here', async () => {
      const ahead = 3_600_000;
      const { url, server } = await host({ clock: { ...systemClock, now: () => systemClock.now() + ahead } });
      const extension = new cometd.TimeSyncExtension();
      const client = await open(url, transport, 'timesync', extension);
      for (const channel of ['/a', '/b', '/c']) await hear(client, channel);
      expect(Math.abs(extension.getTimeOffset() - ahead)).toBeLessThan(100);
      expect(session(server).attributes.timesync).toEqual({ lag: expect.any(Number) });
    });

    it.each(['iso', false] as const)('timestamp: the client’s own is not sent on (%j)', async (timestamp) => {
      const { url } = await host({ timestamp });
      const client = await open(url, transport, 'timestamp', new cometd.TimeStampExtension());
      const replies: Message[] = [];
      client.addListener('/meta/subscribe', (reply) => void replies.push(reply));
      const heard = await hear(client, '/news');
      client.publish('/news', 1);
      await expect.poll(() => heard.length, patience).toBe(1);
      const form = timestamp === 'iso' ? /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ : /^undefined$/;
      for (const { timestamp: text } of [...heard, ...replies]) expect(String(text)).toMatch(form);
      expect(replies).toHaveLength(1);
    });

    it('binary: bytes go from client to client, to the application, and from it', async () => {
      const { url, server } = await host();
      const client = await open(url, transport, 'binary', new cometd.BinaryExtension());
      const heard = await hear(client, '/pic');
      const here: ReceivedMessage[] = [];
      server.subscribe('/pic', (message) => here.push(message));
      const bytes = new Uint8Array([0, 1, 2, 253, 254, 255, 128]);

      client.publishBinary('/pic', bytes, false, { name: 'x.png' });
      await expect.poll(() => heard.length, patience).toBe(1);
      await server.publish('/pic', { data: bytes, last: true });
      await expect.poll(() => heard.length, patience).toBe(2);

      const received = heard.map(({ data }) => ({ ...data, data: [...new Uint8Array(data.data)] }));
      expect(received).toEqual([
        { data: [...bytes], last: false, meta: { name: 'x.png' } },
        { data: [...bytes], last: true },
      ]);
      expect(here.map(({ data }) => data)).toEqual([{ data: bytes, last: false, meta: { name: 'x.png' } }]);
    });

    it('binary: a call with bytes is answered with bytes', async () => {
      const { url, server } = await host();
      server.onCall('/service/reverse', ({ data }) => {
        const { data: bytes } = data as { data: Uint8Array };
        return { data: bytes.toReversed() };
      });
      const client = await open(url, transport, 'binary', new cometd.BinaryExtension());
      const answer = await new Promise<Message>((resolve) => {
        client.remoteCallBinary('reverse', new Uint8Array([1, 2, 3]), true, {}, resolve);
      });
      expect([answer.successful, [...new Uint8Array(answer.data.data)]]).toEqual([true, [3, 2, 1]]);
    });
  },
);
