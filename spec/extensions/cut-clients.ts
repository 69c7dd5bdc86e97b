import { expect, it, onTestFinished } from 'vitest';
import { cometdDriver, eager } from '../interop/cometd-driver.ts';
import { close, patience } from '../interop/columns.ts';
import type { Driver } from '../interop/driver.ts';
import { fayeDriver } from '../interop/faye-driver.ts';
import { host } from '../interop/host.ts';
import { cometd, type CometdVersion, fayeClient } from '../interop/node-clients.ts';
import { cuttingProxy } from './cutting-proxy.ts';

/** How much is published while connections are cut. */
export interface Ordeal {
  readonly events: number;
  /** So many are published at a time. The next ones come when most of these were heard, so that there are many responses to cut. */
  readonly block: number;
  /** How many responses of all are cut. */
  readonly share: number;
}

/** An event as a client heard it, and whether it said that it may have been heard before. */
interface Heard {
  readonly data: unknown;
  readonly marked: boolean;
}

type Transport = 'long-polling' | 'websocket';
type Open = (url: string, transport: Transport, heard: Heard[]) => Driver;

const CHANNEL = '/news';

/** Notes an event in passing. */
function note(message: { channel: string; data?: unknown; ext?: unknown }, heard: Heard[]): void {
  const { channel, data, ext } = message;
  if (channel !== CHANNEL || data === undefined) return;
  heard.push({ data, marked: JSON.stringify(ext) === '{"redelivered":true}' });
}

const openCometd =
  (version: CometdVersion): Open =>
  (url, transport, heard) => {
    const client = new cometd[version].CometD();
    const driver = cometdDriver(client, url, transport, eager);
    client.registerExtension('note', {
      incoming(message) {
        note(message, heard);
        return message;
      },
    });
    return driver;
  };

const openFaye: Open = (url, transport, heard) => {
  const client = fayeClient(url);
  if (transport === 'long-polling') client.disable('websocket');
  client.addExtension({
    incoming(message, callback) {
      note(message, heard);
      callback(message);
    },
  });
  return fayeDriver(client);
};

const clients: readonly (readonly [name: string, open: Open])[] = [
  ['CometD 9', openCometd('9.0.0')],
  ['CometD 8', openCometd('8.0.11')],
  ['CometD 7', openCometd('7.0.19')],
  ['Faye', openFaye],
];

/** What clients hear that know nothing of acknowledgements, while connections are cut: everything, in order, and repeats only marked. */
export function everyClientHears(transport: Transport, { events, block, share }: Ordeal): void {
  it.each(clients)(`%s hears ${events} events`, async (_name, open) => {
    // Faye’s client does not notice that a response breaks off: it waits until its connect is overdue, by what it was told here.
    const longPolling = { timeout: share === 0 ? 30_000 : 250 };
    const place = await host({ redelivery: 'resend', maxSessionsPerBrowser: -1, longPolling });
    let isCalm = true;
    let drawn = 0;
    // The third response is cut for certain, and the others by chance: a run without any would prove nothing.
    const random = (): number => {
      if (isCalm) return 1;
      drawn += 1;
      return drawn === 3 ? 0 : Math.random();
    };
    const proxy = await cuttingProxy(Number(new URL(place.url).port), share, random);
    const heard: Heard[] = [];
    const driver = open(`${proxy.origin}/bayeux`, transport, heard);
    onTestFinished(() => close(driver));
    await driver.open();
    await driver.subscribe(CHANNEL);
    await expect.poll(() => driver.transport(), patience).toBe(transport);
    isCalm = share === 0;

    const distinct = new Set<unknown>();
    let counted = 0;
    const count = (): number => {
      for (; counted < heard.length; counted += 1) distinct.add(heard[counted]?.data);
      return distinct.size;
    };
    for (let at = 0; at < events; at += 1) {
      await place.server.publish(CHANNEL, at);
      if (at % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (at % block === block - 1) await expect.poll(count, patience).toBeGreaterThan(at - block / 2);
    }
    await expect.poll(count, patience).toBe(events);
    proxy.calm();

    const seen = new Set<unknown>();
    const repeated = heard.filter(({ data }) => seen.size === seen.add(data).size);
    expect(repeated.filter(({ marked }) => !marked)).toEqual([]);
    expect([...seen]).toEqual(Array.from({ length: events }, (_, at) => at));
    expect(await driver.handshakes()).toBe(1);
    if (share === 0) expect(heard.filter(({ marked }) => marked)).toEqual([]);
    else expect(proxy.cuts()).toBeGreaterThan(0);
  });
}
