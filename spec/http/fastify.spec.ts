import Fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bayeuxPlugin } from '../../src/fastify.ts';
import { Server, UsageError } from '../../src/index.ts';
import { until } from '../support/until.ts';
import { serverOf } from '../support/start.ts';
import { client } from '../transports/sessions.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';
import { send } from './send.ts';

const json = { 'Content-Type': 'application/json' };
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const one = { id: '1', channel: '/meta/disconnect' };

async function listening(app: FastifyInstance): Promise<string> {
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  return url;
}

describe('the Fastify plugin', () => {
  it('serves requests and WebSockets on its path and below it, beside the routes of the app', async () => {
    const app = Fastify();
    app.post('/echo', async (request) => request.body);
    await app.register(bayeuxPlugin, { server: serverOf(), path: '/bayeux' });
    const url = await listening(app);
    for (const path of ['/bayeux', '/bayeux/', '/bayeux/connect', '/bayeux?x']) {
      expect((await send(url, 'POST', path, json, JSON.stringify(one))).body).toMatchObject([{ id: '1' }]);
    }
    const message = `message=${encodeURIComponent(JSON.stringify(one))}`;
    expect((await send(url, 'POST', '/bayeux', form, message)).body).toMatchObject([{ id: '1' }]);
    expect((await send(url, 'POST', '/echo', json, '{"a":1}')).body).toEqual({ a: 1 });
    expect((await send(url, 'POST', '/bayeuxx', json, JSON.stringify(one))).status).toBe(404);

    const alice = await client(`${url}/bayeux`);
    await alice.subscribe('/news');
    const held = await alice.hold();
    const bob = await client(`${url}/bayeux`, { transport: 'websocket' });
    await bob.publish('/news', 1);
    expect(await held.messages).toMatchObject([{ data: 1 }, { successful: true }]);
  });

  it('serves below the prefix it is registered with, and on the root', async () => {
    const [prefixed, root] = [Fastify(), Fastify()];
    await prefixed.register(bayeuxPlugin, { prefix: '/v1', server: serverOf(), path: '/bayeux' });
    await root.register(bayeuxPlugin, { server: serverOf(), path: '/' });
    const [first, second] = [await listening(prefixed), await listening(root)];
    for (const url of [`${first}/v1/bayeux`, second, `${second}/x`]) {
      expect((await send(url, 'POST', '', json, JSON.stringify(one))).status).toBe(200);
      expect((await WebSocketClient.open(url)).status).toBe(101);
    }
    expect((await send(first, 'POST', '/bayeux', json, JSON.stringify(one))).status).toBe(404);
    expect((await WebSocketClient.open(`${first}/bayeux`)).status).toBe(404);
  });

  it('lets hooks of the app refuse requests', async () => {
    const app = Fastify();
    app.addHook('onRequest', async (request, reply) => {
      if (request.headers.authorization === undefined) await reply.code(401).send('who are you?');
    });
    await app.register(bayeuxPlugin, { server: serverOf(), path: '/bayeux' });
    const url = await listening(app);
    const body = JSON.stringify(one);
    expect((await send(url, 'POST', '/bayeux', json, body)).status).toBe(401);
    expect((await send(url, 'POST', '/bayeux', { ...json, Authorization: 'me' }, body)).status).toBe(200);
  });

  it('closes the server with the app, which no held connect keeps open', async () => {
    const server = serverOf();
    const app = Fastify();
    await app.register(bayeuxPlugin, { server, path: '/bayeux' });
    const url = `${await listening(app)}/bayeux`;
    const held = await (await client(url)).hold();
    const socket = await WebSocketClient.connected(url);
    await app.close();
    expect(server.state).toBe('closed');
    expect((await held.response)?.status).toBe(503);
    await until(() => socket.code === 1001);
    expect(app.server.listenerCount('upgrade')).toBe(0);
  });

  it.each<[options: object, says: string]>([
    [{ path: '/bayeux' }, 'a bayeuxd server is needed, got undefined'],
    [{ server: Fastify(), path: '/bayeux' }, 'got an app or an http.Server'],
    [{ server: new Server() }, 'the path must be a text'],
    [{ server: new Server(), path: '/bay eux' }, 'is no absolute path'],
  ])('refuses the options %#', async (options, says) => {
    const app = Fastify();
    const error: unknown = await Reflect.apply(app.register, app, [bayeuxPlugin, options])
      .ready()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(says);
    expect(String(error)).toContain('app.register(bayeuxPlugin, {');
  });
});
