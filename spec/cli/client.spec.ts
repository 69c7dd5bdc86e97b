import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { beforeAll, afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { subscribe } from '../../src/cli/subscribe.ts';
import { bayeux, Server, type ServerSettings } from '../../src/index.ts';
import { type Running, startBayeuxd, startCometd, startFaye } from '../conformance/servers.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { listen } from '../support/start.ts';
import { until } from '../support/until.ts';
import { publishing } from './publishing.ts';

const publish = (url: string, channel: string, json: string) => publishing(url, { channel, json });

/** Runs `subscribe` with what it prints and says in two lists. */
function listenTo(url: string, pattern: string) {
  const interrupt = new AbortController();
  const clock = new FakeClock();
  const printed: string[] = [];
  const said: string[] = [];
  const print = (line: string) => void printed.push(line);
  const say = (line: string) => void said.push(line);
  const done = subscribe(url, pattern, { signal: interrupt.signal, clock, print, say });
  done.catch(() => undefined); // Awaited by the test.
  onTestFinished(() => interrupt.abort());
  const data = () => printed.map((line) => JSON.parse(line).data);
  return { done, clock, printed, said, data, interrupt: () => interrupt.abort() };
}

/** A bayeuxd on this port. */
async function serve(port: number, settings: ServerSettings = {}) {
  const server = new Server(settings);
  const http = createServer(express().use('/bayeux', bayeux(server)));
  await listen(http, port);
  const close = async () => {
    await server.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  onTestFinished(() => (http.listening ? close() : undefined));
  const address = http.address() as AddressInfo;
  return { server, port: address.port, url: `http://127.0.0.1:${address.port}/bayeux`, close };
}

describe.each([
  ['bayeuxd', startBayeuxd],
  ['Faye', startFaye],
  ['cometd-nodejs-server', startCometd],
])('the commands on %s', (_, start) => {
  let server: Running;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.close());

  it('publish what a subscriber prints as JSON lines until it is interrupted', async () => {
    const listener = listenTo(server.url, '/chat/*');
    await until(() => listener.said.length > 0);
    expect(listener.said).toEqual(['subscribed to /chat/*']);
    for (const json of ['1', '"two"', '{"three":[3]}']) await publish(server.url, '/chat/news', json);
    await publish(server.url, '/other', '4');
    await until(() => listener.printed.length >= 3);
    listener.interrupt();
    await listener.done;
    expect(listener.data()).toEqual([1, 'two', { three: [3] }]);
    expect(listener.said.length).toBe(1);
  });
});

describe('bayeuxd publish', () => {
  it('says why the server refused', async () => {
    const { url } = await serve(0, { policy: { canPublish: ({ channel }) => channel !== '/vip' } });
    await expect(publish(url, '/vip', '1')).rejects.toThrow('the server refused: 403:/vip:publish_denied');
    await expect(publish(url, '/chat/*', '1')).rejects.toThrow(
      'the server refused: 405:/chat/*:channel_invalid',
    );
  });

  it('leaves no session behind', async () => {
    const { url, server } = await serve(0);
    await publish(url, '/a', 'null');
    await expect(publish(url, '/a/', 'null')).rejects.toThrow('channel_invalid');
    expect(server.sessions.size).toBe(0);
  });

  it('says what is wrong with its arguments, the address and the server behind it', async () => {
    const { url, port } = await serve(0);
    await expect(publish(url, '/a', 'hello')).rejects.toThrow(
      `hello is not JSON; a string is written '"hello"'`,
    );
    await expect(publish('localhost:8000', '/a', '1')).rejects.toThrow(
      '"localhost:8000" is no http, https, ws or wss address',
    );
    await expect(publish(`http://127.0.0.1:${port}/elsewhere`, '/a', '1')).rejects.toThrow(
      /elsewhere answered 404/,
    );
  });
});

describe('bayeuxd subscribe', () => {
  it('waits for a server that went away, and subscribes again', async () => {
    const first = await serve(await freePort());
    const listener = listenTo(first.url, '/a');
    await until(() => first.server.sessions.size === 1 && listener.said.length === 1);
    await first.close();
    await until(() => listener.said.length === 2 && listener.clock.pending === 1);
    expect(listener.said[1]).toMatch(/; trying again in 1 s$/);
    await listener.clock.tick(1_000);
    await until(() => listener.said.length === 3 && listener.clock.pending === 1);
    expect(listener.said[2]).toBe(
      `cannot reach ${new URL(first.url).origin} (ECONNREFUSED): nothing listens there; start it, or correct the port; trying again in 2 s`,
    );
    await serve(first.port);
    await listener.clock.tick(2_000);
    await until(() => listener.said.length === 4);
    expect(listener.said[3]).toBe('subscribed to /a again; events may be missing');
    await publish(first.url, '/a', '"back"');
    await until(() => listener.printed.length === 1);
    expect(listener.data()).toEqual(['back']);
  });

  it('handshakes again when its session is gone', async () => {
    const { server, url } = await serve(0, { timeout: 0 });
    const listener = listenTo(url, '/a');
    await until(() => listener.said.length === 1);
    for (const session of server.sessions) session.close('timeout');
    await until(() => listener.said.length === 2);
    expect(listener.said[1]).toMatch(/^the server had forgotten this session; subscribed to \/a again/);
  });

  it('ends when the server ends the session, or refuses the subscription', async () => {
    const { server, url } = await serve(0, { policy: { canSubscribe: ({ channel }) => channel !== '/vip' } });
    const listener = listenTo(url, '/a');
    await until(() => listener.said.length === 1);
    await expect(listenTo(url, '/vip').done).rejects.toThrow('the server refused: 403:/vip:subscribe_denied');
    for (const session of server.sessions) session.disconnect();
    await expect(listener.done).rejects.toThrow('the server ended the session');
  });

  it('leaves no session behind when it is interrupted', async () => {
    const { server, url } = await serve(0);
    const listener = listenTo(url, '/a');
    await until(() => listener.said.length === 1);
    listener.interrupt();
    await listener.done;
    expect(server.sessions.size).toBe(0);
  });
});

describe('text of a server', () => {
  const hostile = '\u001b]0;owned\u0007\u009b2J\u007f';
  const shown = '\\u001b]0;owned\\u0007\\u009b2J\\u007f';

  it('cannot rule the terminal by an event, which stays the same JSON', async () => {
    const { server, url } = await serve(0);
    const listener = listenTo(url, '/chat/*');
    await until(() => listener.said.length > 0);
    await server.publish('/chat/news', hostile);
    await until(() => listener.printed.length > 0);
    expect(listener.printed[0]).not.toMatch(/\p{Cc}/u);
    expect(listener.data()).toEqual([hostile]);
  });

  it.each([
    ['a status', 500, hostile],
    ['an error', 200, JSON.stringify([{ id: '1', channel: '/meta/handshake', error: hostile }])],
  ])('cannot rule the terminal by %s', async (_, status, body) => {
    const http = createServer((_request, response) => void response.writeHead(status).end(body));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      http.closeAllConnections();
      http.close();
    });
    const { port } = http.address() as AddressInfo;
    const failed = publish(`http://127.0.0.1:${port}/`, '/a', '1');
    await expect(failed).rejects.toMatchObject({ message: expect.stringContaining(shown) });
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringMatching(/\p{Cc}/u) });
  });
});
