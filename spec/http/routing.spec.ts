import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { LogEvent, ServerSettings } from '../../src/index.ts';
import { start } from '../support/start.ts';
import { type Method, send } from './send.ts';

const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };
const query = `message=${encodeURIComponent(JSON.stringify([handshake]))}`;
const json = { 'Content-Type': 'application/json' };
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
// A script is served only to a page that is known (CO-3).
const page = { 'Sec-Fetch-Site': 'same-origin' };
const stream = { Accept: 'text/event-stream' };

interface Row {
  readonly what: string;
  readonly method?: Method;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly settings?: ServerSettings;
  readonly status: number;
}

/** HT-9, line by line. */
const table: readonly Row[] = [
  { what: 'a batch whose every reply fails', body: '[{"channel":"/meta/connect"}]', status: 200 },
  { what: 'one bare message', body: JSON.stringify(handshake), status: 200 },
  { what: 'a batch in a query', method: 'GET', path: `?${query}`, headers: page, status: 200 },
  { what: 'a preflight', method: 'OPTIONS', status: 200 },

  { what: 'no body', status: 400 },
  { what: 'a blank body', body: '  ', status: 400 },
  { what: 'half of a batch', body: '[{"channel":"/a"}', status: 400 },
  { what: 'a number', body: '400', status: 400 },
  { what: 'a string', body: '"x"', status: 400 },
  { what: 'null', body: 'null', status: 400 },
  { what: 'an empty batch', body: '[]', status: 400 },
  { what: 'an element that is a number', body: `[${JSON.stringify(handshake)},1]`, status: 400 },
  { what: 'an element that is null', body: '[null]', status: 400 },
  { what: 'a batch in a batch', body: '[[]]', status: 400 },
  { what: 'malformed UTF-8', body: Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), status: 400 },
  { what: 'a form without a message', headers: form, body: 'massage=[]', status: 400 },
  { what: 'a form with malformed UTF-8', headers: form, body: 'message=%FF', status: 400 },
  { what: 'a GET without a message', method: 'GET', headers: page, status: 400 },
  { what: 'a GET with an empty batch', method: 'GET', path: '?message=[]', headers: page, status: 400 },
  { what: 'a GET with malformed UTF-8', method: 'GET', path: '?message=%FF', headers: page, status: 400 },
  { what: 'an illegal callback', method: 'GET', path: `?jsonp=a-b&${query}`, headers: page, status: 400 },
  { what: 'gzip that is none', headers: { ...json, 'Content-Encoding': 'gzip' }, body: '[]', status: 400 },
  { what: 'a POST when disabled', settings: { transports: ['callback-polling'] }, body: '[]', status: 400 },
  {
    what: 'JSONP when disabled',
    settings: { transports: ['long-polling'] },
    method: 'GET',
    path: `?${query}`,
    headers: page,
    status: 400,
  },
  {
    what: 'a stream when disabled',
    settings: { transports: ['long-polling'] },
    method: 'GET',
    path: '/x',
    headers: stream,
    status: 400,
  },

  { what: 'a foreign page', headers: { ...json, Origin: 'http://evil.example' }, body: '[]', status: 403 },
  { what: 'a foreign preflight', method: 'OPTIONS', headers: { Origin: 'http://evil.example' }, status: 403 },
  { what: 'a stream of nobody', method: 'GET', path: '/nobody', headers: stream, status: 404 },
  { what: 'a stream of the mount', method: 'GET', path: '/', headers: stream, status: 404 },

  { what: 'PUT', method: 'PUT', body: '[]', status: 405 },
  { what: 'DELETE', method: 'DELETE', status: 405 },
  { what: 'HEAD', method: 'HEAD', status: 405 },
  {
    what: 'PATCH from a foreign page',
    method: 'PATCH',
    headers: { Origin: 'http://evil.example' },
    status: 405,
  },

  {
    what: 'a body over the limit',
    settings: { maxMessageSize: 100 },
    body: `[${' '.repeat(100)}]`,
    status: 413,
  },
  { what: 'too many messages', settings: { maxBatch: 2 }, body: '[{},{},{}]', status: 413 },
  {
    what: 'too many messages in a query',
    settings: { maxBatch: 2 },
    method: 'GET',
    path: '?message=[{},{}]&message={}',
    headers: page,
    status: 413,
  },
  {
    what: 'nesting too deep',
    body: `[{"channel":"/a","data":${'['.repeat(64)}${']'.repeat(64)}}]`,
    status: 413,
  },
  { what: 'nesting of 100,000', body: '['.repeat(100_000), status: 413 },
  {
    what: 'a small body that grows over the limit',
    settings: { maxMessageSize: 1000 },
    headers: { ...json, 'Content-Encoding': 'gzip' },
    body: gzipSync(`[${' '.repeat(10_000)}]`),
    status: 413,
  },

  {
    what: 'Latin-1',
    headers: { 'Content-Type': 'application/json; charset=ISO-8859-1' },
    body: '[]',
    status: 415,
  },
  { what: 'a strange encoding', headers: { ...json, 'Content-Encoding': 'br' }, body: '[]', status: 415 },
];

describe('the routing table', () => {
  it.each(table)(
    'answers $what with $status',
    async ({ method = 'POST', path = '', headers = json, body, settings, status }) => {
      const { url } = await start(settings);
      const response = await send(url, method, path, headers, body);
      expect(response.status).toBe(status);
      expect(response.headers['cache-control']).toBe('no-cache, no-store, no-transform');
      expect(response.headers['x-content-type-options']).toBe('nosniff');
      expect(response.headers['content-length']).toBeDefined();
      if (status === 200) return;
      // HT-5: Faye's Node client would take anything that parses for its replies.
      expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(() => JSON.parse(response.text || '-')).toThrow();
    },
  );

  it('tells which methods there are', async () => {
    const { url } = await start();
    expect((await send(url, 'PUT')).headers.allow).toBe('GET, POST, OPTIONS');
  });

  it('answers everything below the mount alike, and nothing beside it', async () => {
    const { url } = await start();
    for (const path of ['', '/', '/handshake', '/connect', '/disconnect', '/59.0', '/a/b/c', '/%zz', '//x']) {
      const response = await send(url, 'POST', path, json, JSON.stringify([handshake]));
      expect([path, response.status]).toEqual([path, 200]);
    }
    expect((await send(`${url}x`, 'POST', '', json, JSON.stringify([handshake]))).status).toBe(404);
  });

  it('answers 503 to a handshake over capacity', async () => {
    const { url, server } = await start({ maxSessions: 1 });
    expect((await send(url, 'POST', '', json, JSON.stringify(handshake))).status).toBe(200);
    const refused = await send(url, 'POST', '', json, JSON.stringify(handshake));
    expect([refused.status, refused.text]).toEqual([
      503,
      'Service unavailable: "maxSessions" is 1; raise it to allow more',
    ]);
    expect(server.sessions.size).toBe(1);
  });

  it('answers 503 to anything once the server is closed', async () => {
    const { url, server } = await start();
    await server.close();
    expect((await send(url, 'POST', '', json, '[]')).status).toBe(503);
    expect((await send(url, 'GET', `?${query}`, page)).status).toBe(503);
    expect((await send(url, 'GET', '/x', stream)).status).toBe(503);
  });

  it('says nothing of a failure but that there was one, and logs it', async () => {
    const events: LogEvent[] = [];
    const { url, server } = await start({ log: (event) => events.push(event) });
    server.receive = () => Promise.reject(new Error('secret'));
    const response = await send(url, 'POST', '', json, JSON.stringify(handshake));
    expect([response.status, response.text]).toEqual([500, 'Server error']);
    expect(events).toContainEqual({ level: 'error', event: 'http.failed', error: new Error('secret') });
  });
});
