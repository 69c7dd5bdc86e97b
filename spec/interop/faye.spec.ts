import type { RequestHandler } from 'express';
import { expect, it, onTestFinished } from 'vitest';
import type { Extension, TransportName } from '../../src/index.ts';
import { close, hears, session, waits } from './columns.ts';
import type { Driver } from './driver.ts';
import { fayeDriver } from './faye-driver.ts';
import { host } from './host.ts';
import { fayeClient, openFaye } from './node-clients.ts';

async function connected(client: Driver): Promise<Driver> {
  onTestFinished(() => close(client));
  await client.open();
  return client;
}

it('handshakes over long-polling and goes on over WebSocket', async () => {
  const opened: TransportName[] = [];
  const watch: Extension = { name: 'watch', opened: ({ transport }) => void opened.push(transport) };
  const place = await host({ extensions: [watch] });
  await connected(openFaye(place.url, 'websocket'));
  await waits(place.server);
  expect(opened).toEqual(['long-polling']);
  expect(session(place.server).transport).toBe('websocket');
});

it('tries again after a 500', async () => {
  let failing = false;
  const front: RequestHandler = (_request, response, next) => {
    if (failing) response.status(500).send('Internal error');
    else next();
  };
  const place = await host({ transports: ['long-polling'] }, { front: [front] });
  const faye = fayeClient(place.url);
  const ups: string[] = [];
  faye.on('transport:down', () => {
    ups.push('down');
    failing = false;
  });
  faye.on('transport:up', () => ups.push('up'));
  const client = await connected(fayeDriver(faye));
  await client.subscribe('/news');
  failing = true;
  await client.publish('/news', 'at last');
  await hears(client, [['/news', '/news', 'at last']]);
  expect(ups).toEqual(['up', 'down', 'up']);
  expect(place.server.sessions.size).toBe(1);
});

it.each(['websocket', 'long-polling'])(
  'handshakes and subscribes again over %s when its session is gone',
  async (transport) => {
    const place = await host();
    const client = await connected(openFaye(place.url, transport));
    await client.subscribe('/news');
    await waits(place.server);
    session(place.server).close('timeout');
    place.cut();
    await expect
      .poll(() => place.server.directory.count('/news'), { timeout: 5000, interval: 10 })
      .toEqual({ value: 1, complete: true });
    await place.server.publish('/news', 1);
    await hears(client, [['/news', '/news', 1]]);
    expect(await client.handshakes()).toBe(2);
  },
);

it.each(['websocket', 'long-polling'])(
  'loses nothing published after its connection over %s was cut',
  async (transport) => {
    const place = await host();
    const client = await connected(openFaye(place.url, transport));
    await client.subscribe('/news');
    await waits(place.server);
    place.cut();
    for (const n of [1, 2, 3]) await place.server.publish('/news', n);
    await hears(
      client,
      [1, 2, 3].map((n) => ['/news', '/news', n]),
    );
    expect(await client.handshakes()).toBe(1);
  },
);

it.each(['websocket', 'long-polling'])(
  'is heard once when it sends a publish again whose reply over %s was lost (PB-7)',
  async (transport) => {
    const place = await host();
    const heard: unknown[] = [];
    const listener = await place.server.localSession();
    await listener.subscribe('/chat', ({ data }) => heard.push(data));
    let sent = 0;
    place.server.on('published', () => {
      sent += 1;
      if (sent === 1) place.cut();
    });
    const client = await connected(openFaye(place.url, transport));
    await client.publish('/chat', { text: 'once' });
    await client.publish('/chat', { text: 'after' });
    await expect.poll(() => heard.length).toBeGreaterThan(1);
    expect(heard).toEqual([{ text: 'once' }, { text: 'after' }]);
  },
);

const forms = {
  JSON: ['application/json', JSON.stringify({ channel: '/chat', data: 'hi' })],
  'a form': [
    'application/x-www-form-urlencoded',
    'message=%7B%22channel%22%3A%22%2Fchat%22%2C%22data%22%3A%22hi%22%7D',
  ],
} as const;

it.each(['JSON', 'a form'] as const)(
  'takes a publish posted as %s without a session, where that is allowed',
  async (name) => {
    const place = await host({ unconnectedPublish: 'allow' });
    const client = await connected(openFaye(place.url, 'websocket'));
    await client.subscribe('/chat');
    expect(await post(place.url, forms[name])).toEqual([{ channel: '/chat', successful: true }]);
    await hears(client, [['/chat', '/chat', 'hi']]);
    expect(place.server.sessions.size).toBe(1);
  },
);

it.each(['JSON', 'a form'] as const)(
  'refuses a publish posted as %s without a session by default',
  async (name) => {
    const { url, server } = await host();
    const published: unknown[] = [];
    server.on('published', ({ data }) => published.push(data));
    expect(await post(url, forms[name])).toEqual([
      { channel: '/chat', successful: false, error: '402::session_unknown' },
    ]);
    expect(published).toEqual([]);
  },
);

async function post(url: string, [type, body]: readonly [string, string]): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body });
  expect(response.status).toBe(200);
  return response.json();
}
