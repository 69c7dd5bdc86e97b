import { createServer } from 'node:http';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { health, type Server } from '../../src/index.ts';
import { silent } from '../../src/lib/log.ts';
import { FakeClient } from '../support/fake-client.ts';
import { listening, serverOf } from '../support/start.ts';
import { send } from './send.ts';

const mounted = {
  'in Express': (server: Server) => createServer(express().use(health(server))),
  'on bare http': (server: Server) => createServer(health(server)),
};

describe.each(Object.entries(mounted))('health checks %s', (_name, mount) => {
  it('say that the process is alive, whatever its state', async () => {
    const server = serverOf();
    const url = await listening(mount(server));
    const { status, body, headers } = await send(url, 'GET', '/healthz');
    expect([status, body]).toEqual([200, { status: 'alive' }]);
    expect(headers).toMatchObject({ 'cache-control': expect.stringContaining('no-store') });
    await server.close();
    expect((await send(url, 'GET', '/healthz')).status).toBe(200);
  });

  it('say whether the server is ready, and in words why not', async () => {
    const server = serverOf({ maxSessions: 1, log: silent, drain: { window: 60_000 } });
    await server.open();
    const url = await listening(mount(server));
    const ready = async () => {
      const { status, body } = await send(url, 'GET', '/readyz?verbose');
      return [status, body];
    };
    expect(await ready()).toEqual([200, { status: 'ready' }]);
    await FakeClient.open(server);
    expect(await ready()).toEqual([503, { status: 'full', why: 'what "maxSessions" allows is used up' }]);
    const closed = server.close();
    expect(await ready()).toEqual([
      503,
      { status: 'draining', why: expect.stringContaining('other servers') },
    ]);
    await server.close();
    await closed;
    expect(await ready()).toEqual([503, { status: 'closed', why: 'the server is closed' }]);
  });

  it('answer a HEAD without a body, refuse other methods, and leave other paths alone', async () => {
    const url = await listening(mount(serverOf()));
    const head = await send(url, 'HEAD', '/healthz');
    expect([head.status, head.text]).toEqual([200, undefined]);
    const post = await send(url, 'POST', '/readyz');
    expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD']);
    expect((await send(url, 'GET', '/healthz/more')).status).toBe(404);
  });
});

it('health says what it needs where it is not given a server', () => {
  // @ts-expect-error: an app is no server.
  expect(() => health(express())).toThrow(
    'a bayeuxd server is needed, got an app or an http.Server: write app.use(health(server))',
  );
});
