import { describe, expect, it, onTestFinished } from 'vitest';
import { BayeuxError } from '../../src/index.ts';
import { close, hears, patience, session } from './columns.ts';
import { cometdDriver } from './cometd-driver.ts';
import type { Driver } from './driver.ts';
import { type Hosting, host } from './host.ts';
import { type CometdVersion, cometd, openCometd } from './node-clients.ts';

const versions: readonly CometdVersion[] = ['9.0.0', '8.0.11', '7.0.19'];

async function connected(client: Driver): Promise<Driver> {
  onTestFinished(() => close(client));
  await client.open();
  return client;
}

describe.each(versions)('cometd %s', (version) => {
  it('falls back to long-polling when the upgrade is refused', async () => {
    const { url, server } = await host({ transports: ['long-polling'] });
    const client = await connected(openCometd(version, url));
    expect(await client.transport()).toBe('long-polling');
    await client.subscribe('/news');
    await server.publish('/news', 1);
    await hears(client, [['/news', '/news', 1]]);
  });

  it.each(['websocket', 'long-polling'])(
    'calls the server over %s and gets its result, or its refusal',
    async (transport) => {
      const { url, server } = await host();
      server.onCall('/service/sum', ({ data }) => {
        if (!Array.isArray(data)) throw new BayeuxError(400, [], 'not_a_list');
        return data.reduce((sum: number, n: number) => sum + n, 0);
      });
      const client = new cometd[version].CometD();
      await connected(cometdDriver(client, url, transport));
      const call = (data: unknown) =>
        new Promise((resolve) =>
          client.remoteCall('sum', data, (reply) => resolve([reply.successful, reply.data])),
        );
      expect(await call([1, 2, 39])).toEqual([true, 42]);
      expect(await call('one')).toEqual([false, { message: '400::not_a_list' }]);
    },
  );

  it('lets two clients of one process poll, although they count as tabs of one browser', async () => {
    const { url, server } = await host({ multiSessionInterval: 50 });
    const first = await connected(openCometd(version, url, 'long-polling'));
    const second = await connected(openCometd(version, url, 'long-polling'));
    await first.subscribe('/chat');
    await second.subscribe('/chat');
    await first.publish('/chat', 1);
    await second.publish('/chat', 2);
    for (const client of [first, second]) {
      await hears(client, [
        ['/chat', '/chat', 1],
        ['/chat', '/chat', 2],
      ]);
    }
    expect(await server.directory.count()).toEqual({ value: 2, complete: true });
  });

  it.each(['websocket', 'long-polling'])(
    'loses nothing published after its connection over %s was cut',
    async (transport) => {
      const place = await host({ maxSessionsPerBrowser: -1 });
      const client = await connected(openCometd(version, place.url, transport));
      await keepsEvents(client, place);
    },
  );

  it('is heard each time it repeats a message id, as after a page reload', async () => {
    const { url, server } = await host();
    const client = new cometd[version].CometD();
    const driver = await connected(cometdDriver(client, url, 'long-polling'));
    client.registerExtension('same', {
      outgoing(message) {
        if (!message.channel.startsWith('/meta/')) message.id = 'same';
        return message;
      },
    });
    const published: unknown[] = [];
    server.on('published', ({ data }) => published.push(data));
    await driver.publish('/chat', 'twice');
    await driver.publish('/chat', 'twice');
    expect(published).toEqual(['twice', 'twice']);
  });
});

/** Cuts the connection a connect is held on, publishes, and sees that all of it arrives on the next one. */
async function keepsEvents(client: Driver, place: Hosting): Promise<void> {
  await client.subscribe('/news');
  await expect.poll(() => session(place.server).state, patience).toBe('held');
  place.cut();
  for (const n of [1, 2, 3]) await place.server.publish('/news', n);
  await hears(
    client,
    [1, 2, 3].map((n) => ['/news', '/news', n]),
  );
  expect(await client.handshakes()).toBe(1);
}
