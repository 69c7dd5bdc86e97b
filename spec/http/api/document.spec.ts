import { createServer } from 'node:http';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { MemoryEngine } from '../../../src/core/memory-engine.ts';
import { documentOf } from '../../../src/http/api/document.ts';
import { routesOf } from '../../../src/http/api/routes.ts';
import { type ApiKey, type ApiOptions, api, Server, type ServerSettings } from '../../../src/index.ts';
import { FakeClock } from '../../../src/testing/fake-clock.ts';
import { FakeClient } from '../../support/fake-client.ts';
import { MemoryShared } from '../../support/memory-shared.ts';
import { listening } from '../../support/start.ts';
import { ApiDocument, KEY, type Probe, probe, type Sent } from './probe.ts';

/** How a request gets one answer. */
interface Way {
  readonly options?: ApiOptions;
  readonly settings?: ServerSettings;
  readonly query?: string;
  readonly id?: string;
  /** Without it, the key with all rights is sent. */
  readonly sent?: Sent;
  /** Whether the id in the path is that of an open session. It is for each 200. */
  readonly isOfSession?: boolean;
  /** Done before the request. */
  prepare?(started: Probe): unknown;
}

const little: ApiKey = { name: 'little', key: 'a-key-for-one-channel', rights: ['read'], channels: ['/x'] };
const event = { channel: '/a', data: 1 };
const direct = { user: 'ann', channel: '/a', data: 1 };
const repeated = { 'Idempotency-Key': 'one' };
const durable: ServerSettings = { channels: { '/a': { history: true } } };

const shared = new MemoryShared(new FakeClock());

let isBroken = false;
const broken = () => {
  if (isBroken) throw new Error('a bug');
  return [];
};

/** The ways that are the same on every route. */
const common: Record<string, Way> = {
  401: { sent: {} },
  403: { sent: { key: little.key } },
  429: {
    prepare: async ({ get }) => {
      for (let time = 0; time < 20; time += 1) await get('/stats', { key: 'wrong' });
    },
  },
  500: {
    options: { key: KEY, keys: broken },
    prepare: () => {
      isBroken = true;
    },
  },
  503: { prepare: ({ server }) => server.close() },
};

const reading: Record<string, Way> = { ...common, 200: {}, 400: { query: '?x=1' } };

const acting: Record<string, Way> = {
  ...common,
  200: { sent: { key: KEY, body: { user: 'ann' } } },
  400: { sent: { key: KEY, body: {} } },
  413: { settings: { maxMessageSize: 100 }, sent: { key: KEY, body: 'x'.repeat(101) } },
  415: { sent: { key: KEY, body: 'x', headers: { 'Content-Type': 'text/plain' } } },
};

const told: Way = {
  settings: { journal: true },
  id: '1',
  prepare: ({ server }) => server.publish('/a', 1),
};

/** Those of single routes. */
const own: Record<string, Way> = {
  'POST /publish 200': { sent: { key: KEY, body: event } },
  'POST /publish 409': {
    settings: durable,
    sent: { key: KEY, body: event, headers: repeated },
    prepare: ({ server, post }) => {
      server.publishAll = () => new Promise(() => {});
      void post('/publish', { key: KEY, body: event, headers: repeated }).catch(() => {});
    },
  },
  'POST /publish 422': {
    sent: { key: KEY, body: event, headers: repeated },
    prepare: ({ post }) => post('/publish', { key: KEY, body: { ...event, data: 2 }, headers: repeated }),
  },
  'POST /deliver 200': { sent: { key: KEY, body: direct } },
  'POST /deliver 409': {
    sent: { key: KEY, body: direct, headers: repeated },
    prepare: ({ server, post }) => {
      const pending = { deliver: () => new Promise(() => {}) };
      Object.defineProperty(server, 'user', { value: () => pending });
      void post('/deliver', { key: KEY, body: direct, headers: repeated }).catch(() => {});
    },
  },
  'POST /deliver 422': {
    sent: { key: KEY, body: direct, headers: repeated },
    prepare: ({ post }) => post('/deliver', { key: KEY, body: { ...direct, data: 2 }, headers: repeated }),
  },
  'POST /sessions/{id}/deliver 200': { sent: { key: KEY, body: event } },
  'POST /sessions/{id}/deliver 404': { sent: { key: KEY, body: event } },
  'POST /sessions/{id}/deliver 409': {
    settings: { engine: Object.assign(new MemoryEngine(), { shared }) },
    sent: { key: KEY, body: event, headers: repeated },
    prepare: () => {
      shared.answers.begin = async () => ({ is: 'running' });
    },
    isOfSession: true,
  },
  'POST /sessions/{id}/deliver 422': {
    sent: { key: KEY, body: event, headers: repeated },
    prepare: async ({ server, post }) => {
      const [session] = server.sessions;
      const path = `/sessions/${session?.id}/deliver`;
      await post(path, { key: KEY, body: { ...event, data: 2 }, headers: repeated });
    },
    isOfSession: true,
  },
  'GET /presence 200': { settings: { channels: { '/a': { presence: true } } }, query: '?channel=/a' },
  'GET /presence 403': { query: '?channel=/a', sent: { key: little.key } },
  'GET /presence 404': { query: '?channel=/a' },
  'POST /revoke 409': { sent: { key: KEY, body: { tokenId: 'one' } } },
  'GET /history 200': { settings: durable, query: '?channel=/a' },
  'GET /history 403': { query: '?channel=/a', sent: { key: little.key } },
  'GET /history 404': { query: '?channel=/a' },
  'GET /me 403': { options: {} },
  'GET /tail 200': { query: '?channel=/a&count=1', prepare: ({ server }) => publishWhenHeard(server) },
  'GET /tail 403': { query: '?channel=/a', sent: { key: little.key } },
  'GET /sessions/{id} 404': {},
  'GET /explain/{id} 200': told,
  'GET /explain/{id} 403': { ...told, sent: { key: little.key } },
  'GET /explain/{id} 404': {},
  'GET /explain 200': { ...told, query: '?channel=/a&user=ann' },
  'GET /explain 404': { query: '?channel=/a&user=ann' },
};

/** Publishes as soon as somebody listens to what is published. */
function publishWhenHeard(server: Server): void {
  const on = server.on.bind(server);
  server.on = (...args) => {
    const off = on(...args);
    void server.publish('/a', 1);
    return off;
  };
}

describe('the document of the API', () => {
  const server = new Server();
  const document = new ApiDocument(JSON.parse(JSON.stringify(documentOf(routesOf(server), '/api'))));

  it.each(document.answers)('has %s, and a request gets it', async (answer) => {
    const [method = '', template = '', status = ''] = answer.split(' ');
    const way = own[answer] ?? (method === 'GET' ? reading : acting)[status];
    if (way === undefined) throw new Error(`no way is known to get ${answer}`);
    isBroken = false;
    const started = await probe(way.options ?? { key: KEY, keys: [little] }, way.settings);
    const { session } = await FakeClient.open(started.server);
    await way.prepare?.(started);
    const id = way.id ?? (status === '200' || way.isOfSession === true ? session.id : 'none');
    const path = template.replace('{id}', id) + (way.query ?? '');
    const { status: got } = await started.call(method, path, way.sent ?? { key: KEY });
    expect(String(got)).toBe(status);
    expect(started.document.seen).toContain(answer);
  });

  it('has an example or a description of each parameter, and of each field of a body', () => {
    for (const methods of Object.values(document.json.paths ?? {}))
      for (const { parameters, summary, description } of Object.values(methods)) {
        expect([typeof summary, typeof description]).toEqual(['string', 'string']);
        for (const parameter of Object.values(parameters ?? {}))
          if (String(parameter.in) !== 'path') expect(typeof parameter.description).toBe('string');
      }
  });

  it('is served without a key, and names the mount of the API as its server', async () => {
    for (const mount of ['/api', '/deep/er', '/']) {
      const url = await listening(createServer(express().use(mount, api(server, { key: KEY }))));
      const response = await fetch(`${url}${mount === '/' ? '' : mount}/openapi.json`);
      expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
      const text = await response.text();
      expect(JSON.parse(text)).toMatchObject({ openapi: '3.1.0', servers: [{ url: mount }] });
      expect(text).not.toContain(KEY);
    }
  });
});

describe('other paths and methods', () => {
  it.each([
    ['GET', '/publish', 405, 'POST'],
    ['DELETE', '/publish', 405, 'POST'],
    ['OPTIONS', '/publish', 405, 'POST'],
    ['POST', '/history', 405, 'GET, HEAD'],
    ['POST', '/openapi.json', 405, 'GET, HEAD'],
    ['PUT', '/sessions/x', 405, 'GET, HEAD'],
    ['GET', '/', 404, null],
    ['GET', '/publish/x', 404, null],
    ['POST', '/none', 404, null],
  ])('%s %s gets a problem with %i', async (method, path, status, allow) => {
    const { call } = await probe();
    const { body, headers } = await call(method, path, { key: KEY });
    const code = status === 405 ? 'method_wrong' : 'route_unknown';
    expect([body, headers.get('allow')]).toMatchObject([{ status, code }, allow]);
  });

  it('a path that cannot be decoded gets 400', async () => {
    const { get } = await probe();
    expect((await get('/sessions/%zz', { key: KEY })).body).toMatchObject({
      status: 400,
      code: 'path_invalid',
    });
  });

  it('are not told apart without a key', async () => {
    const { call } = await probe();
    for (const path of ['/none', '/publish'])
      expect((await call('GET', path)).body).toMatchObject({ status: 401, code: 'key_missing' });
  });

  it('HEAD is GET without a body', async () => {
    const { call } = await probe();
    const { status, body } = await call('HEAD', '/stats', { key: KEY });
    expect([status, body]).toEqual([200, undefined]);
  });
});
