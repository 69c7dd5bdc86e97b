import { describe, expect, it, onTestFinished } from 'vitest';
import { MemoryEngine } from '../../src/index.ts';
import { fakeClock, startTestServer, type TestServerSettings } from '../../src/testing/index.ts';
import { until } from '../support/until.ts';
import { client } from '../transports/sessions.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';

async function start(settings?: TestServerSettings) {
  const started = await startTestServer(settings);
  onTestFinished(() => started.close());
  return started;
}

const isServed = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  );

describe('a server for a test', () => {
  it('serves clients of every kind on a free port of this machine', async () => {
    const { server, url, websocketUrl } = await start();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/bayeux$/);
    expect(websocketUrl).toBe(url.replace('http:', 'ws:'));
    const alice = await client(url);
    await alice.subscribe('/news');
    const bob = await client(url, { transport: 'websocket' });
    await bob.publish('/news', 1);
    expect(await alice.take(1)).toEqual([{ channel: '/news', data: 1 }]);
    expect(server.usage.sessions).toBe(2);
  });

  it('is made with settings, and attached where they say', async () => {
    const { server, url, websocketUrl } = await start({ path: '/live', maxSessions: 7 });
    expect([new URL(url).pathname, new URL(websocketUrl).pathname]).toEqual(['/live', '/live']);
    expect(server.options.maxSessions).toBe(7);
    expect((await WebSocketClient.open(url)).status).toBe(101);
    expect((await fetch(new URL('/bayeux', url))).status).toBe(404);
  });

  it('does not take settings that a server does not', async () => {
    await expect(Reflect.apply(startTestServer, undefined, [{ timout: 1 }])).rejects.toThrow(
      'did you mean "timeout"',
    );
    await expect(startTestServer({ path: 'bayeux' })).rejects.toMatchObject({ name: 'UsageError' });
  });

  it('answers a held connect as its clock says', async () => {
    const clock = fakeClock();
    const { url, server } = await start({ clock });
    const alice = await client(url);
    const [session] = server.sessions;
    const held = alice.connect();
    await until(() => session?.state === 'held');
    await clock.tick(server.options.timeout);
    expect(await held).toMatchObject({ successful: true });
  });

  it('is gone once it is closed, with its clients, and can be closed again', async () => {
    const { server, url, close } = await start();
    const [polling, socket] = [await client(url), await WebSocketClient.open(url)];
    await polling.subscribe('/a');
    expect(await isServed(url)).toBe(true);
    await close();
    await close();
    expect([server.state, server.usage.sessions, await isServed(url)]).toEqual(['closed', 0, false]);
    await until(() => socket.ended);
  });

  it('tells its sockets that it goes, and waits for none of them', async () => {
    const { url, close } = await start({ clock: fakeClock() });
    const [socket, deaf] = [await WebSocketClient.shaken(url), await WebSocketClient.shaken(url)];
    deaf.socket.pause();
    await close();
    await until(() => socket.ended);
    expect(socket.code).toBe(1001);
  });

  it('does not drain, even where its time stands still', async () => {
    const { server, url, close } = await start({ clock: fakeClock(), drain: { window: 60_000 } });
    await client(url);
    await close();
    expect(server.usage.sessions).toBe(0);
  });

  it('closes at the end of the block that awaits its use', async () => {
    let url = '';
    {
      await using one = await startTestServer();
      url = one.url;
      expect(await isServed(url)).toBe(true);
    }
    expect(await isServed(url)).toBe(false);
  });

  it('is not started where its engine cannot be opened', async () => {
    let isClosed = false;
    class Broken extends MemoryEngine {
      override open = () => Promise.reject(new Error('no broker'));
      override close = async () => {
        isClosed = true;
      };
    }
    await expect(startTestServer({ engine: new Broken() })).rejects.toThrow('no broker');
    expect(isClosed).toBe(true);
  });
});
