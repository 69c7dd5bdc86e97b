import { createServer } from 'node:http';
import express from 'express';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { api, BayeuxError, Server, type ServerSettings } from '../../../src/index.ts';
import { FakeClient } from '../../support/fake-client.ts';
import { listening } from '../../support/start.ts';
import { KEY, probe } from './probe.ts';

const good = { channel: '/news', data: { text: 'hi' } };

/** A server with the API, what it published, and a call of `POST /publish`. */
async function publisher(settings: ServerSettings = {}) {
  const started = await probe({ key: KEY }, settings);
  const heard: unknown[] = [];
  started.server.on('published', ({ channel, data }) => heard.push([channel, data]));
  const publish = (body: unknown, headers: Record<string, string> = {}) =>
    started.post('/publish', { key: KEY, body, headers });
  return { ...started, heard, publish };
}

describe('POST /publish', () => {
  it('publishes an event, and says for how many sessions it was queued', async () => {
    const { server, publish, heard } = await publisher();
    for (const pattern of ['/news', '/*']) {
      const client = await FakeClient.connected(server);
      await client.subscribe(pattern);
    }
    const { status, body } = await publish(good);
    expect([status, body]).toEqual([200, { channel: '/news', sessions: 2 }]);
    expect((await publish({ channel: '/other/x', data: null })).body).toEqual({
      channel: '/other/x',
      sessions: 0,
    });
    expect(heard).toEqual([
      ['/news', { text: 'hi' }],
      ['/other/x', null],
    ]);
  });

  it('passes on ext, lazy and volatile', async () => {
    const { server, publish } = await publisher();
    const client = await FakeClient.open(server);
    await client.subscribe('/news');
    await publish({ ...good, ext: { from: 'shop' }, lazy: 50 });
    const [event] = client.session.outbox.all;
    expect(event?.lazy).toBe(50);
    expect(event?.message).toEqual({ ...good, ext: { from: 'shop' } });
    // Nobody can take it now.
    expect((await publish({ ...good, volatile: true })).body.sessions).toBe(0);
    expect(client.session.waiting).toBe(1);
  });

  it('publishes one event to several channels, and several events, in their order', async () => {
    const { server, publish, heard } = await publisher();
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    const several = await publish({ channels: ['/b', '/a', '/a'], data: 1 });
    expect(several.body).toEqual({
      events: [
        { channel: '/b', sessions: 0 },
        { channel: '/a', sessions: 1 },
        { channel: '/a', sessions: 1 },
      ],
    });
    const many = await publish({
      events: [
        { channel: '/a', data: 2 },
        { channel: '/b', data: 3 },
      ],
    });
    expect(many.body.events).toHaveLength(2);
    expect(heard).toEqual([
      ['/b', 1],
      ['/a', 1],
      ['/a', 1],
      ['/a', 2],
      ['/b', 3],
    ]);
  });

  it('says the ids of events on durable channels', async () => {
    const { publish } = await publisher({ channels: { '/d/**': { history: true } } });
    const { body: one } = await publish({ channel: '/d/1', data: 1 });
    const { body: two } = await publish({ channels: ['/d/1', '/plain'], data: 2 });
    expect(two.events).toEqual([
      { channel: '/d/1', sessions: 0, id: one.id + 1 },
      { channel: '/plain', sessions: 0 },
    ]);
  });

  it('publishes nothing if one event may not be published', async () => {
    const schema = { type: 'number' } as const;
    const { publish, heard } = await publisher({ channels: { '/numbers': { schema } } });
    const wrong = await publish({ events: [good, { channel: '/numbers', data: 'x' }] });
    expect([wrong.status, wrong.body.code, heard]).toEqual([400, 'data_invalid', []]);
    const bad = await publish({ channels: ['/a', '/b/*'], data: 1 });
    expect([bad.status, bad.body.errors, heard]).toEqual([
      400,
      [{ pointer: '#/channels/1', detail: 'channels.1 must be one channel, not a pattern' }],
      [],
    ]);
  });

  it.each([
    ['[', 'json_invalid', 'the body is not JSON, or it is not complete'],
    ['"x"', 'body_invalid', 'the body must be object'],
    [[], 'body_invalid', 'the body must be object'],
    [{}, 'body_invalid', 'channel is missing; data is missing'],
    [{ channel: '/a' }, 'body_invalid', 'data is missing'],
    [{ channel: 1, data: 1 }, 'body_invalid', 'channel must be string'],
    [{ ...good, dat: 1 }, 'body_invalid', '"dat" is not a field; did you mean "data"?'],
    [{ ...good, lazy: -1 }, 'body_invalid', 'lazy must be >= 0'],
    [{ ...good, ext: [] }, 'body_invalid', 'ext must be object'],
    [{ events: [] }, 'body_invalid', 'events must NOT have fewer than 1 items'],
    [{ events: [good], data: 1 }, 'body_invalid', '"data" is not a field'],
    [{ channels: ['/a'] }, 'body_invalid', 'data is missing'],
    [{ events: [{ channel: '/a' }] }, 'body_invalid', 'events.0.data is missing'],
    [{ channel: 'a', data: 1 }, 'channel_invalid', 'channel must begin with "/"'],
    [{ channel: '', data: 1 }, 'channel_invalid', 'channel must begin with "/"'],
    [{ channel: '/meta/connect', data: 1 }, 'channel_invalid', /below \/meta or \/service/],
    [{ channel: '/service/x', data: 1 }, 'channel_invalid', /below \/meta or \/service/],
    [{ channel: '/a/*', data: 1 }, 'channel_invalid', 'channel must be one channel, not a pattern'],
    [{ channel: '/a/', data: 1 }, 'channel_invalid', 'channel must not have an empty segment'],
    [{ channel: '/a//b', data: 1 }, 'channel_invalid', 'channel must not have an empty segment'],
    [{ channel: `/${'a'.repeat(255)}`, data: 1 }, 'channel_invalid', /longer than 255 characters; raise/],
    [{ channel: '/a'.repeat(17), data: 1 }, 'channel_invalid', /more than 16 segments; raise/],
    [{ channel: '/a.b', data: 1 }, 'channel_invalid', /letters, digits and - _ ! ~ \( \) \$ @$/],
  ])('refuses %j with %s', async (body, code, detail) => {
    const { publish, heard } = await publisher();
    const answer = await publish(body);
    expect([answer.status, answer.body.code, heard]).toEqual([400, code, []]);
    expect(answer.body.detail).toEqual(typeof detail === 'string' ? detail : expect.stringMatching(detail));
  });

  it('names the place of each mistake', async () => {
    const { publish } = await publisher();
    const { body } = await publish({ events: [good, { channel: '/a', dat: 1 }] });
    expect(body).toEqual({
      title: 'Bad Request',
      status: 400,
      code: 'body_invalid',
      detail: expect.any(String),
      errors: [
        { pointer: '#/events/1/data', detail: 'events.1.data is missing' },
        { pointer: '#/events/1/dat', detail: '"events.1.dat" is not a field; did you mean "data"?' },
      ],
    });
  });

  it('takes those channels alone that the document says', async () => {
    const { document, publish } = await publisher({ channelNames: 'cometd' });
    const content = document.json.paths?.['/publish']?.post?.requestBody?.content?.['application/json'];
    const { pattern, maxLength } = content?.schema?.oneOf?.[0]?.properties?.channel ?? {};
    const segment = fc.constantFrom('a', 'b.c', 'x y', '', '*', '**', 'meta', 'service', 'é', '{', '#+');
    const names = fc.array(segment, { maxLength: 18 }).map((segments) => `/${segments.join('/')}`);
    await fc.assert(
      fc.asyncProperty(fc.oneof(names, fc.string()), async (name) => {
        const fits = new RegExp(String(pattern), 'u').test(name) && name.length <= Number(maxLength);
        expect((await publish({ channel: name, data: 1 })).status).toBe(fits ? 200 : 400);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses a body that is too large, or nests too deep', async () => {
    const { publish } = await publisher({ maxMessageSize: 1000, maxDepth: 10 });
    const large = await publish({ channel: '/a', data: 'x'.repeat(1000) });
    expect([large.status, large.body.code]).toEqual([413, 'body_too_large']);
    const nested = (levels: number) => `{"channel":"/a","data":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect((await publish(nested(10))).status).toBe(200);
    const deep = await publish(nested(400));
    expect([deep.status, deep.body.code]).toEqual([400, 'depth_exceeded']);
  });

  it.each([
    ['application/json; charset=utf-8', 200],
    ['Application/JSON', 200],
    ['application/vnd.shop+json', 200],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/jsonx', 415],
    ['application/json; charset=x', 415],
  ])('takes %s with %i', async (type, status) => {
    const { publish } = await publisher();
    const { body, ...answer } = await publish(good, { 'Content-Type': type });
    expect([answer.status, body.code]).toEqual([status, status === 200 ? undefined : 'media_type_wrong']);
  });

  it('passes on why an extension refuses, and logs what is a bug', async () => {
    const publishing = () => {
      throw new BayeuxError(403, ['/news'], 'not_now');
    };
    const { publish, server, events } = await publisher({ extensions: [{ name: 'x', publishing }] });
    const refused = await publish(good);
    expect([refused.status, refused.body.code]).toEqual([403, 'publish_refused']);
    expect(refused.body.detail).toContain('403:/news:not_now');

    const error = new Error('secret');
    server.publishAll = () => Promise.reject(error);
    const failed = await publish(good);
    expect([failed.status, failed.body.code]).toEqual([500, 'failed']);
    expect(JSON.stringify(failed.body)).not.toContain('secret');
    expect(events).toContainEqual({ level: 'error', event: 'api.failed', error });
    await server.close();
    expect((await publish(good)).body).toMatchObject({ status: 503, code: 'closing' });
  });

  it('minds no body parser in front', async () => {
    const app = express().use(express.json(), api(new Server(), { key: KEY }));
    const url = await listening(createServer(app));
    const headers = { 'Content-Type': 'application/json', 'X-API-Key': KEY };
    const response = await fetch(`${url}/publish`, { method: 'POST', headers, body: JSON.stringify(good) });
    expect(response.status).toBe(200);
  });
});
