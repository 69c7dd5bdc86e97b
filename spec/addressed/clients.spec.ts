import { describe, expect, it, onTestFinished } from 'vitest';
import type { CometD } from 'cometd';
import type { ServerSettings } from '../../src/index.ts';
import { patience } from '../interop/columns.ts';
import { type Hosting, host } from '../interop/host.ts';
import { cometd, fayeClient } from '../interop/node-clients.ts';
import { DIRECT, named } from './clients.ts';

interface Data {
  readonly from?: { readonly id: string };
  readonly payload?: unknown;
  readonly id?: string;
}

/** A stock client of some user. */
interface Person {
  /** Every message that its library handed on, replies included, as text. */
  readonly all: string[];
  /** The data of the events on the channel. */
  heard(channel?: string): readonly Data[];
  /** Subscribes, as an eavesdropper would; a refusal is no error. */
  subscribe(pattern: string): Promise<void>;
  send(data: unknown, channel?: string): Promise<unknown>;
  close(): Promise<void> | undefined;
}

type Open = (url: string, user: string, transport: string) => Promise<Person>;

const openCometd: Open = async (url, user, transport) => {
  const client: CometD = new cometd['9.0.0'].CometD();
  client.configure({ url, logLevel: 'warn', useWorkerScheduler: false, backoffIncrement: 50 });
  for (const type of client.getTransportTypes()) if (type !== transport) client.unregisterTransport(type);
  const all: string[] = [];
  const events: [string, Data][] = [];
  client.registerExtension('watch', {
    incoming(message) {
      all.push(JSON.stringify(message));
      if (message.data !== undefined) events.push([message.channel, message.data as Data]);
      return message;
    },
  });
  const connected = new Promise<void>((resolve) =>
    client.addListener('/meta/connect', ({ successful }) => void (successful && resolve())),
  );
  client.handshake({ ext: { user } });
  await connected;
  return {
    all,
    heard: (channel = DIRECT) => events.flatMap(([on, data]) => (on === channel ? [data] : [])),
    subscribe: (pattern) =>
      new Promise((resolve) =>
        client.subscribe(
          pattern,
          () => {},
          () => resolve(),
        ),
      ),
    send: (data, channel = DIRECT) => new Promise((resolve) => client.publish(channel, data, resolve)),
    close: () => new Promise((resolve) => client.disconnect(() => resolve())),
  };
};

const openFaye: Open = async (url, user, transport) => {
  const client = fayeClient(url);
  if (transport !== 'websocket') client.disable('websocket');
  const all: string[] = [];
  const events: [string, Data][] = [];
  client.addExtension({
    incoming(message, callback) {
      all.push(JSON.stringify(message));
      callback(message);
    },
    outgoing: (message, callback) => callback({ ...message, ext: { user } }),
  });
  const subscribe = async (pattern: string): Promise<void> => {
    await client.subscribe(pattern).withChannel((channel, data) => events.push([channel, data as Data]));
  };
  await subscribe(DIRECT);
  await subscribe('/service/receipt');
  return {
    all,
    heard: (channel = DIRECT) => events.flatMap(([on, data]) => (on === channel ? [data] : [])),
    subscribe: (pattern) => subscribe(pattern).catch(() => {}),
    send: async (data, channel = DIRECT) => client.publish(channel, data),
    close: async () => void (await client.disconnect()),
  };
};

const rows = [
  ['cometd', 'websocket', openCometd],
  ['cometd', 'long-polling', openCometd],
  ['Faye', 'websocket', openFaye],
  ['Faye', 'long-polling', openFaye],
] as const;

/** A host of users, and what opens a client there that lasts as long as the test. */
async function place(settings: ServerSettings = {}, own: Open = openCometd, transport = 'websocket') {
  const { channels, ...rest } = settings;
  const place: Hosting = await host({
    ...rest,
    policy: { ...named, ...settings.policy },
    channels: { [DIRECT]: { addressed: { ttl: 60_000 } }, ...channels },
    maxSessionsPerBrowser: -1,
  });
  const open = async (user: string, how: Open = own, over = transport): Promise<Person> => {
    const person = await how(place.url, user, over);
    onTestFinished(() => person.close());
    return person;
  };
  /** Waits until each session can take an event. */
  const ready = () =>
    expect.poll(() => [...place.server.sessions].every(({ state }) => state === 'held'), patience).toBe(true);
  return { place, open, ready };
}

describe('a direct message between stock clients', () => {
  it.each(rows)(
    '%s over %s: the third of three hears no byte of what two say',
    async (_name, transport, own) => {
      const channels = { '/dm/*': { addressed: true }, '/**': { history: true } } as const;
      const { open, ready } = await place({ channels }, own, transport);
      const [ann, bob, eve] = [await open('ann'), await open('bob'), await open('eve')];
      for (const pattern of [
        '/**',
        '/*',
        '/service/**',
        '/service/*',
        '/dm/*',
        '/dm/x',
        DIRECT,
        '/service/bob',
      ])
        await eve.subscribe(pattern);
      await bob.subscribe('/dm/x');
      await ready();
      await ann.send({ receivers: ['bob'], payload: 'top-secret-1' });
      await ann.send({ receivers: ['bob'], payload: 'top-secret-2', volatile: true }, '/dm/x');
      await ann.send({ receivers: ['cal'], payload: 'top-secret-3' });
      // An event that everybody hears shows that all before it has come.
      await ready();
      await eve.send({ receivers: ['eve'], payload: 'end' });
      // Faye calls the listener of each subscription that matches.
      await expect.poll(() => eve.heard().length, patience).toBeGreaterThan(0);
      await expect.poll(() => bob.heard().length, patience).toBe(1);
      expect(bob.heard()).toMatchObject([{ from: { id: 'ann' }, payload: 'top-secret-1' }]);
      expect(eve.all.join()).not.toContain('top-secret');
      expect(eve.all.join()).not.toContain('"ann"');
    },
  );

  it.each(rows)('%s over %s: a forged sender is replaced', async (_name, transport, own) => {
    const { open, ready } = await place({}, own, transport);
    const [eve, bob] = [await open('eve'), await open('bob')];
    await ready();
    await eve.send({ receivers: ['bob'], payload: 1, from: { id: 'ann', info: {} }, id: 'x' });
    await expect.poll(() => bob.heard().length, patience).toBe(1);
    expect(bob.heard()).toEqual([
      { from: { id: 'eve', info: { name: 'EVE' } }, payload: 1, id: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
  });

  it.each(rows)('%s over %s: receipts agree with what was logged', async (_name, transport, own) => {
    const policy = { canSend: ({ to }: { readonly to: string }) => to !== 'dan' };
    const { open, ready } = await place({ policy }, own, transport);
    const [ann, bob, dan] = [await open('ann'), await open('bob'), await open('dan')];
    await ready();
    const receivers = ['bob', 'cal', 'dan'];
    await ann.send({ receivers, payload: 'hi', receipts: 'event', ref: 'm1' });
    await expect.poll(() => ann.heard('/service/receipt').length, patience).toBe(1);
    const receipts = { bob: 'delivered', cal: 'queued', dan: 'denied' };
    expect(ann.heard('/service/receipt')).toEqual([{ id: expect.any(String), ref: 'm1', receipts }]);
    await expect.poll(() => bob.heard().length, patience).toBe(1);
    const cal = await open('cal');
    await expect.poll(() => cal.heard().length, patience).toBe(1);
    expect(cal.heard()).toEqual(bob.heard());
    expect(dan.heard()).toEqual([]);
  });

  it.each(rows)('%s over %s: no typing event comes after a reconnect', async (_name, transport, own) => {
    const channels = { '/typing/*': { volatile: true } } as const;
    const { place: server, open, ready } = await place({ channels }, own, transport);
    const ann = await open('ann', openCometd, 'websocket');
    const bob = await open('bob');
    await bob.subscribe('/typing/*');
    await ready();
    await ann.send({ receivers: ['bob'], payload: 'in time', volatile: true });
    await expect.poll(() => bob.heard().length, patience).toBe(1);
    server.cut();
    const isAway = () =>
      [...server.server.sessions].some((one) => one.user?.id === 'bob' && one.state !== 'held');
    await expect.poll(isAway, patience).toBe(true);
    await server.server.publish('/typing/1', 'late');
    await server.server.user('bob').deliver(DIRECT, { payload: 'late' }, { volatile: true });
    await server.server.user('bob').deliver(DIRECT, { payload: 'kept' });
    await expect.poll(() => bob.heard().length, patience).toBe(2);
    await ready();
    await server.server.user('bob').deliver(DIRECT, { payload: 'end' });
    await expect.poll(() => bob.heard().length, patience).toBe(3);
    expect(bob.heard().map(({ payload }) => payload)).toEqual(['in time', 'kept', 'end']);
    expect(bob.all.join()).not.toContain('late');
  });

  it('goes from one family of clients to the other', async () => {
    const { open, ready } = await place();
    const [ann, bob] = [await open('ann'), await open('bob', openFaye)];
    await ready();
    const reply = await ann.send({ receivers: ['bob'], payload: { text: 'hi' } });
    expect(reply).toMatchObject({ successful: true, ext: { receipts: { bob: 'delivered' } } });
    await bob.send({ receivers: ['ann'], payload: { text: 'hello' } });
    await expect.poll(() => ann.heard().length, patience).toBe(1);
    expect([bob.heard(), ann.heard()]).toMatchObject([
      [{ from: { id: 'ann' }, payload: { text: 'hi' } }],
      [{ from: { id: 'bob' }, payload: { text: 'hello' } }],
    ]);
  });
});
