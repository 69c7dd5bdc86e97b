import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { api, BayeuxError, type LogEvent, Server, type ServerSettings } from '../../src/index.ts';
import { estimatedBits, WrongKeys } from '../../src/http/api/key-guard.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { listen } from '../support/start.ts';
import { send } from './send.ts';

const key = 'a-key';
const good = { channel: '/news', data: { text: 'hi' } };

async function serve(options: { key?: string } = { key }, settings: ServerSettings = {}) {
  const server = new Server(settings);
  const http = createServer(express().use('/api', api(server, options)));
  await listen(http);
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  const heard: unknown[] = [];
  server.on('published', ({ channel, data }) => heard.push([channel, data]));
  const publish = (body: unknown, headers: Record<string, string> = { Authorization: `Bearer ${key}` }) =>
    send(
      `http://127.0.0.1:${port}/api/publish`,
      'POST',
      '',
      { 'Content-Type': 'application/json', ...headers },
      typeof body === 'string' ? body : JSON.stringify(body),
    );
  return { server, heard, publish, url: `http://127.0.0.1:${port}/api` };
}

describe('POST /publish', () => {
  it('publishes', async () => {
    const { publish, heard } = await serve();
    const response = await publish(good);
    expect([response.status, response.body]).toEqual([200, { channel: '/news', successful: true }]);
    expect((await publish({ channel: '/news', data: null })).status).toBe(200);
    expect(heard).toEqual([
      ['/news', { text: 'hi' }],
      ['/news', null],
    ]);
  });

  it('minds no content type, and a body parser in front', async () => {
    const { publish } = await serve();
    expect(
      (await publish(good, { Authorization: `Bearer ${key}`, 'Content-Type': 'text/plain' })).status,
    ).toBe(200);
    const server = new Server();
    const http = createServer(express().use(express.json(), api(server, { key })));
    await listen(http);
    onTestFinished(() => void http.close());
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/publish`;
    const headers = { 'Content-Type': 'application/json', 'X-API-Key': key };
    expect((await send(url, 'POST', '', headers, JSON.stringify(good))).status).toBe(200);
  });

  it.each([
    [{ Authorization: `Bearer ${key}` }, 200],
    [{ Authorization: `bearer  ${key}` }, 200],
    [{ 'X-API-Key': key }, 200],
    [{}, 401],
    [{ Authorization: 'Bearer wrong' }, 401],
    [{ Authorization: `Bearer ${key}x` }, 401],
    [{ Authorization: 'Bearer' }, 401],
    [{ Authorization: `Basic ${key}` }, 401],
    [{ 'X-API-Key': '' }, 401],
  ])('with %j gets %i', async (headers, status) => {
    const { publish, heard } = await serve();
    const response = await publish(good, headers);
    expect([response.status, heard.length]).toEqual([status, status === 200 ? 1 : 0]);
    expect(response.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
    if (status === 401) expect(response.body).toEqual({ error: expect.stringContaining('API key') });
  });

  it.each([{}, { key: '' }])('without a key says how to set one', async (options) => {
    const { publish, heard } = await serve(options);
    const response = await publish(good, { Authorization: 'Bearer ' });
    expect([response.status, heard]).toEqual([403, []]);
    expect(response.body.error).toMatch(/--api-key/);
  });

  it.each([
    ['[', 'the body is not JSON'],
    ['"x"', /the body/],
    [[], 'the body must be object'],
    [{}, 'channel is missing; data is missing'],
    [{ channel: '/a' }, 'data is missing'],
    [{ channel: 1, data: 1 }, 'channel must be string'],
    [{ channel: '/a', data: 1, ext: {} }, '"ext" is not a field'],
    [{ channel: 'a', data: 1 }, 'channel must begin with "/"'],
    [{ channel: '', data: 1 }, 'channel must begin with "/"'],
    [{ channel: '/meta/connect', data: 1 }, /below \/meta or \/service/],
    [{ channel: '/service/x', data: 1 }, /below \/meta or \/service/],
    [{ channel: '/a/*', data: 1 }, /not a pattern/],
    [{ channel: '/a/', data: 1 }, /empty segment/],
    [{ channel: '/a//b', data: 1 }, /empty segment/],
    [{ channel: `/${'a'.repeat(255)}`, data: 1 }, /255 characters/],
    [{ channel: '/a'.repeat(17), data: 1 }, /16 segments/],
    [{ channel: '/a.b', data: 1 }, /letters, digits/],
  ])('refuses %j', async (body, error) => {
    const { publish, heard } = await serve();
    const response = await publish(body);
    expect([response.status, heard]).toEqual([400, []]);
    expect(response.body.error).toEqual(typeof error === 'string' ? error : expect.stringMatching(error));
  });

  it('refuses data that breaks the schema of its channel, and says how', async () => {
    const schema = { properties: { price: { type: 'number' } }, required: ['price'] };
    const { publish, heard } = await serve({ key }, { channels: { '/prices/**': { schema } } });
    const wrong = await publish({ channel: '/prices/acme', data: { price: 'x' } });
    const missing = await publish({ channel: '/prices/acme', data: {} });
    const where = 'data for /prices/acme does not satisfy channels["/prices/**"].schema:';
    expect([wrong.status, wrong.body]).toEqual([400, { error: `${where} /price must be number` }]);
    expect([missing.status, missing.body]).toEqual([
      400,
      { error: `${where} data must have required property 'price'` },
    ]);
    expect(heard).toEqual([]);
    expect((await publish({ channel: '/prices/acme', data: { price: 1 } })).status).toBe(200);
  });

  it('refuses a body over the limit', async () => {
    const { publish } = await serve({ key }, { maxMessageSize: 100 });
    const response = await publish({ channel: '/a', data: 'x'.repeat(100) });
    expect([response.status, response.body]).toEqual([413, { error: 'the body is too large' }]);
  });

  it('passes on why an extension refuses, and logs what is a bug', async () => {
    const events: LogEvent[] = [];
    const error = new Error('secret');
    const publishing = () => {
      throw new BayeuxError(403, ['/news'], 'not_now');
    };
    const log = (event: LogEvent) => void events.push(event);
    const { publish, server } = await serve({ key }, { log, extensions: [{ name: 'x', publishing }] });
    const refused = await publish(good);
    expect([refused.status, refused.body]).toEqual([403, { error: '403:/news:not_now' }]);

    server.publish = () => Promise.reject(error);
    const failed = await publish(good);
    expect([failed.status, failed.text]).toEqual([500, expect.not.stringContaining('secret')]);
    expect(events).toContainEqual({ level: 'error', event: 'api.failed', error });
    await server.close();
    expect((await publish(good)).status).toBe(503);
  });

  it('takes POST only, and knows nothing else', async () => {
    const { url } = await serve();
    const auth = { Authorization: `Bearer ${key}` };
    const get = await send(url, 'GET', '/publish', auth);
    expect([get.status, get.headers.allow, get.body]).toEqual([405, 'POST', { error: 'this takes POST' }]);
    expect((await send(url, 'GET', '/other', auth)).status).toBe(404);
  });
});

describe('a key', () => {
  /** A server with its clock, its log, and a way to show it a key. */
  async function guarded(settings: ServerSettings = {}) {
    const clock = new FakeClock();
    const events: LogEvent[] = [];
    const served = await serve({ key }, { clock, log: (event) => events.push(event), ...settings });
    const show = async (shown: string, headers: Record<string, string> = {}) =>
      served.publish(good, { 'X-API-Key': shown, ...headers });
    return { ...served, clock, events, show };
  }

  it('that is wrong is logged, and never shown there', async () => {
    const { events, show, publish } = await guarded();
    expect((await show('not-the-key')).status).toBe(401);
    expect((await publish(good, {})).status).toBe(401); // No key is no wrong key.
    const wrong = events.filter(({ event }) => event === 'api.key_wrong');
    expect(wrong).toMatchObject([{ level: 'warn', address: '127.0.0.1', count: 1 }]);
    expect(JSON.stringify(events)).not.toContain('not-the-key');
  });

  it('is not even looked at for the rest of a minute after twenty wrong ones', async () => {
    const { clock, events, show, heard } = await guarded();
    for (let time = 0; time < 20; time += 1) expect((await show(`wrong-${time}`)).status).toBe(401);
    await clock.tick(20_500);
    const { status, headers, body } = await show(key);
    expect([status, headers['retry-after'], heard]).toEqual([429, '40', []]);
    expect(body.error).toContain('too many wrong API keys');
    expect(events.filter(({ event }) => event === 'api.key_blocked')).toHaveLength(1);
    await clock.tick(39_500);
    expect((await show(key)).status).toBe(200);
  });

  it('is counted for the address that showed it', async () => {
    const { show } = await guarded({ trustProxy: 1 });
    const from = (address: string) => ({ 'X-Forwarded-For': address });
    for (let time = 0; time < 20; time += 1) await show('wrong', from(`[2001:db8::${time}]:${time}`));
    expect((await show(key, from('2001:db8::ffff'))).status).toBe(429);
    expect((await show(key, from('2001:db8:1::1'))).status).toBe(200);
    expect((await show(key, from('203.0.113.1'))).status).toBe(200);
  });

  it('that is wrong is remembered of so many addresses only, and for a minute', () => {
    const wrong = new WrongKeys(100);
    for (let address = 0; address < 1000; address += 1) wrong.add(`10.0.0.${address}`, address);
    expect(wrong.size).toBe(100);
    for (let time = 0; time < 20; time += 1) wrong.add('10.0.0.999', 1000);
    expect([wrong.wait('10.0.0.999', 1000), wrong.size]).toEqual([59_999, 100]);
    wrong.add('other', 60_998);
    expect([wrong.wait('10.0.0.999', 60_998), wrong.size]).toEqual([1, 2]);
    wrong.add('other', 60_999);
    expect([wrong.wait('10.0.0.999', 60_999), wrong.size]).toEqual([0, 1]);
  });

  it('that stands for one that was left out is none', () => {
    expect(() => api(new Server(), { key: '<redacted>' })).toThrow(/stands for a key that was left out/);
  });

  it.each([
    ['0123456789abcdef0123456789abcdef', 128],
    ['123e4567-e89b-42d3-a456-426614174000', 128],
    ['Zm9vYmFyYmF6cXV4MTIzNA', 130],
    ['correct-horse', 36],
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 0],
  ])('%s is random by %i bits at most', async (shown, bits) => {
    expect(Math.floor(estimatedBits(shown))).toBe(bits);
    const events: LogEvent[] = [];
    api(new Server({ log: (event) => events.push(event) }), { key: shown });
    expect(events.map(({ event, bits: said }) => [event, said])).toEqual(
      bits < 128 ? [['api.key_weak', bits]] : [],
    );
    expect(JSON.stringify(events)).not.toContain(shown);
  });
});
