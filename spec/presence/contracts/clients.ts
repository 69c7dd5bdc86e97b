import { describe, expect, it, onTestFinished } from 'vitest';
import type { Server, ServerSettings } from '../../../src/index.ts';
import type { FakeClock } from '../../../src/testing/fake-clock.ts';
import { close, patience } from '../../interop/columns.ts';
import { cometdDriver } from '../../interop/cometd-driver.ts';
import type { Driver } from '../../interop/driver.ts';
import { fayeDriver } from '../../interop/faye-driver.ts';
import { cometd, fayeClient } from '../../interop/node-clients.ts';
import { ClientList, type Told } from '../viewer.ts';

const room = '/chat/room';
const list = '/presence/chat/room';

const settings: ServerSettings = {
  channels: { '/chat/*': { presence: true } },
  log: () => {},
  // No connect is answered because of the time that passes here.
  timeout: 100_000_000,
  policy: {
    canHandshake: ({ message }) => {
      const user = message.ext?.user;
      return typeof user === 'string' ? { allow: true, user: { id: user, info: { name: user } } } : true;
    },
  },
};

/** Stock clients, which say who they are in their handshake. */
const clients: Record<string, (url: string, transport: string, user?: string) => Driver> = {
  cometd: (url, transport, user) => {
    const client = new cometd['9.0.0'].CometD();
    client.registerExtension('user', {
      outgoing: (message) => {
        if (message.channel === '/meta/handshake') message.ext = { ...message.ext, user };
        return message;
      },
    });
    return cometdDriver(client, url, transport);
  },
  faye: (url, transport, user) => {
    const client = fayeClient(url);
    client.addExtension({
      outgoing(message, callback) {
        if (message.channel === '/meta/handshake') message.ext = { ...message.ext, user };
        callback(message);
      },
    });
    if (transport !== 'websocket') client.disable('websocket');
    return fayeDriver(client);
  },
};

const rows = Object.keys(clients).flatMap((client) =>
  ['long-polling', 'websocket'].map((transport) => [client, transport] as const),
);

const listOf = async (viewer: Driver): Promise<ClientList> => {
  const kept = new ClientList();
  for (const { channel, data } of await viewer.heard()) if (channel === list) kept.take(data as Told);
  return kept;
};
const logOf = async (viewer: Driver) => (await listOf(viewer)).log;

/** Servers that stock clients reach, and their common time. */
export interface Place {
  readonly server: Pick<Server, 'publish'>;
  readonly clock: Pick<FakeClock, 'tick'>;
  /** Of a server: maybe another one each time. */
  readonly url: string;
}

/** What stock clients see, whatever the servers. */
export function clientsSpecs(name: string, start: (settings: ServerSettings) => Promise<Place>): void {
  describe.each(rows)(`${name}: %s over %s`, (client, transport) => {
    const open = async (place: Place, user?: string): Promise<Driver> => {
      const driver = clients[client]?.(place.url, transport, user);
      if (driver === undefined) throw new Error(`no client ${client}`);
      onTestFinished(() => close(driver));
      await driver.open();
      return driver;
    };
    const viewing = async (place: Place): Promise<Driver> => {
      const viewer = await open(place, 'eve');
      await viewer.subscribe(list);
      await expect.poll(() => logOf(viewer), patience).toEqual(['snapshot 0']);
      return viewer;
    };

    it('sees three tabs of one user as one entry', async () => {
      const place = await start(settings);
      const viewer = await viewing(place);
      for (let tab = 0; tab < 3; tab += 1) await (await open(place, 'ann')).subscribe(room);
      await (await open(place, 'bob')).subscribe(room);
      await expect
        .poll(() => logOf(viewer), patience)
        .toEqual(['snapshot 0', 'join ann', 'update ann', 'update ann', 'join bob']);
      const { users, total } = await listOf(viewer);
      expect([total, users.get('ann')]).toMatchObject([2, { info: { name: 'ann' }, sessions: 3 }]);
    });

    it('is told of nothing while a user loads the page ten times', async () => {
      const place = await start(settings);
      const viewer = await viewing(place);
      let tab = await open(place, 'ann');
      await tab.subscribe(room);
      for (let loads = 0; loads < 10; loads += 1) {
        await tab.close();
        await place.clock.tick(3000);
        tab = await open(place, 'ann');
        await tab.subscribe(room);
      }
      await place.clock.tick(12_000);
      const bob = await open(place, 'bob');
      await bob.subscribe(room);
      await expect.poll(() => logOf(viewer), patience).toEqual(['snapshot 0', 'join ann', 'join bob']);
      expect((await listOf(viewer)).users.get('ann')?.sessions).toBe(1);
    });

    it('is told that a user left, once the grace has passed', async () => {
      const place = await start(settings);
      const viewer = await viewing(place);
      const ann = await open(place, 'ann');
      await ann.subscribe(room);
      await ann.close();
      await place.clock.tick(9000);
      await expect.poll(() => logOf(viewer), patience).toEqual(['snapshot 0', 'join ann']);
      await place.clock.tick(2000);
      await expect.poll(() => logOf(viewer), patience).toEqual(['snapshot 0', 'join ann', 'leave ann']);
    });

    it('gets a fresh snapshot for a publish to /service/presence', async () => {
      const place = await start(settings);
      const viewer = await viewing(place);
      await viewer.subscribe(room);
      await place.clock.tick(1000);
      await viewer.publish('/service/presence', { channel: room });
      await expect.poll(() => logOf(viewer), patience).toEqual(['snapshot 0', 'join eve', 'snapshot 1']);
    });

    it('is refused a forged snapshot, and hears nothing by patterns', async () => {
      const place = await start(settings);
      const viewer = await viewing(place);
      const spy = await open(place, 'spy');
      for (const pattern of ['/**', '/*', '/service/**', '/service/presence']) await spy.subscribe(pattern);
      for (const pattern of ['/presence/**', '/presence/chat/*'])
        await expect(spy.subscribe(pattern)).rejects.toThrow();
      await expect(spy.publish(list, { type: 'snapshot', users: [], total: 0, seq: 9 })).rejects.toThrow();
      await expect(spy.publish('/service/presence', { channel: room })).rejects.toThrow();
      await (await open(place, 'ann')).subscribe(room);
      await expect.poll(() => logOf(viewer), patience).toEqual(['snapshot 0', 'join ann']);
      await place.server.publish('/last', 'that was all');
      await expect
        .poll(() => spy.heard(), patience)
        .toContainEqual({ pattern: '/**', channel: '/last', data: 'that was all' });
      // CometD calls listeners of its own replies too.
      const events = (await spy.heard()).filter(({ data }) => data !== undefined);
      expect(new Set(events.map(({ channel }) => channel))).toEqual(new Set(['/last']));
    });
  });
}
