import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isEvent } from '../conformance/message.ts';
import { send } from '../http/send.ts';
import { Http1 } from '../support/bare-clients.ts';
import { start } from '../support/start.ts';
import { settle, until } from '../support/until.ts';
import { client, reach, unread } from './sessions.ts';

const json = { 'Content-Type': 'application/json' };
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const one = { id: '1', channel: '/meta/disconnect', clientId: 'é' };
const two = { id: '2', channel: '/meta/disconnect', clientId: 'a+b c' };
const large = { maxFlushBytes: 100_000_000, maxQueueBytes: 100_000_000 };
const encoded = (value: unknown) => encodeURIComponent(JSON.stringify(value));

describe('what a POST may carry', () => {
  const bodies = [
    ['JSON', json, JSON.stringify([one, two])],
    [
      'JSON with parameters',
      { 'Content-Type': 'application/json;charset="UTF-8"; x=y' },
      JSON.stringify([one, two]),
    ],
    [
      'JSON in capitals',
      { 'Content-Type': 'Application/JSON; Charset=US-ASCII' },
      JSON.stringify([one, two]),
    ],
    ['JSON after a byte order mark', json, `\ufeff${JSON.stringify([one, two])}`],
    ['JSON as text', { 'Content-Type': 'text/plain' }, ` \n\t${JSON.stringify([one, two])}`],
    [
      'JSON as text after a byte order mark',
      { 'Content-Type': 'text/plain' },
      `\ufeff ${JSON.stringify([one, two])}`,
    ],
    ['JSON as something unheard of', { 'Content-Type': 'x/y' }, JSON.stringify([one, two])],
    ['a form with one array', form, `message=${encoded([one, two])}`],
    ['a form with two messages', form, `message=${encoded(one)}&x=y&message=${encoded(two)}`],
    ['a form with a message and an array', form, `&message=${encoded(one)}&&message=${encoded([two])}`],
    ['a form with blanks as plus signs', form, `message=${encoded([one, two]).replaceAll('%20', '+')}`],
    ['a form whose names are encoded', form, `%6Dessage=${encoded([one, two])}`],
    ['a form that is not encoded', form, `message=${JSON.stringify([one, two]).replace('+', '%2B')}`],
    [
      'a form as text, as Faye posts it',
      { 'Content-Type': 'text/plain;charset=UTF-8' },
      `message=${encoded([one, two])}`,
    ],
  ] as const;

  it.each(bodies)('%s', async (_what, headers, body) => {
    const { server, url } = await start();
    const seen: unknown[] = [];
    const receive = server.receive.bind(server);
    server.receive = (requests, conduit) => {
      seen.push(...requests.map((request) => 'clientId' in request && request.clientId));
      return receive(requests, conduit);
    };
    const response = await send(url, 'POST', '', headers, body);
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(response.body.map(({ id }: { id: string }) => id)).toEqual(['1', '2']);
    expect(seen).toEqual(['é', 'a+b c']);
  });

  it('JSON without a content type', async () => {
    const { url } = await start();
    const { status, text } = await reach(url).fetch({ method: 'POST', body: JSON.stringify(one) });
    expect([status, JSON.parse(text)]).toMatchObject([200, [{ id: '1' }]]);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['GZIP', gzipSync],
  ] as const)('JSON compressed by %s', async (encoding, compress) => {
    const { url } = await start();
    const body = compress(JSON.stringify([one, two]));
    const response = await send(url, 'POST', '', { ...json, 'Content-Encoding': encoding }, body);
    expect(response.body).toMatchObject([{ id: '1' }, { id: '2' }]);
  });

  it('a percent sign that begins no escape', async () => {
    const { url } = await start({ unconnectedPublish: 'allow' });
    const response = await send(url, 'POST', '', form, 'message={"channel":"/a","data":"100% of %4x"}');
    expect(response.body).toEqual([{ channel: '/a', successful: true }]);
  });
});

describe('a held poll', () => {
  it('is answered with what is published, and does not hold up another request', async () => {
    const { server, url } = await start();
    const alice = await client(url);
    await alice.subscribe('/news');
    const held = await alice.hold();
    expect(await alice.call('/meta/subscribe', { subscription: '/other' })).toMatchObject({
      successful: true,
    });
    expect(held.answered()).toBe(false);
    await server.publish('/news', 1);
    expect(await held.messages).toMatchObject([{ channel: '/news', data: 1 }, { channel: '/meta/connect' }]);
  });

  it('that is cut loses nothing, frees its count and starts the expiry', async () => {
    const { server, clock, url } = await start();
    const alice = await client(url);
    await alice.subscribe('/news');
    const held = await alice.hold();
    expect(server.usage.browsers).toBe(1);
    await clock.tick(20_000);

    held.abort();
    const [session] = server.sessions;
    await until(() => session?.state === 'idle');
    expect(server.usage.browsers).toBe(0);
    await server.publish('/news', 'a');
    await server.publish('/news', 'b');
    const connect = alice.link.send([alice.connectRequest()]);
    const events = (await connect.messages).filter(isEvent).map(({ data }) => data);
    expect(events).toEqual(['a', 'b']);

    const again = await alice.hold();
    again.abort();
    await until(() => session?.state === 'idle');
    await clock.tick(14_999);
    expect(server.sessions.size).toBe(1);
    await clock.tick(1);
    expect([server.sessions.size, clock.pending]).toEqual([0, 0]);
  });

  it('that its peer left half read is repeated by the next', async () => {
    const { server, url } = await start(large);
    const alice = await client(url);
    await alice.subscribe('/news');
    const poll = unread(url, { body: JSON.stringify([alice.connectRequest()]) });
    const [session] = server.sessions;
    await until(() => session?.state === 'held');
    for (let at = 0; at < 500; at += 1) await server.publish('/news', `${at} ${'x'.repeat(40_000)}`);
    await until(() => session?.state === 'idle');
    await server.publish('/news', 'last');
    expect(session?.outbox.size).toBe(1);

    poll.destroy();
    await until(() => session?.outbox.size === 501);
    const events = await alice.take(501);
    expect(events.map(({ data }) => Number.parseInt(String(data), 10))).toEqual([
      ...Array(500).keys(),
      Number.NaN,
    ]);
  });

  it.each([
    ['small', 10],
    ['large', 40_000],
  ])(
    'whose connection is destroyed before a %s answer has left is repeated by the next',
    async (_size, length) => {
      const { server, http, url } = await start();
      const alice = await client(url);
      await alice.subscribe('/news');
      const connection = new Http1(http, 0);
      connection.ask({ messages: [alice.connectRequest()] }, { batch: () => {}, over: () => {} });
      const [session] = server.sessions;
      await until(() => session?.state === 'held');
      connection.link.darken();
      await server.publish('/news', 'x'.repeat(length));
      await until(() => session?.state === 'idle');
      // Of a response in pieces all but the last: Node takes it for ended then.
      connection.link.trickle(Math.max(0, length - 5_000));
      await settle(10);
      expect(session?.outbox.size).toBe(0);
      // Without an error, Node says then that the response has finished.
      connection.link.far.destroy();
      await settle(10);
      expect(session?.outbox.size).toBe(1);
      expect(await alice.take(1)).toHaveLength(1);
    },
  );

  it('is cut when its peer has not read the answer within a connect’s time', async () => {
    const { server, clock, url } = await start({ ...large, maxInterval: 60_000 });
    const alice = await client(url);
    await alice.subscribe('/news');
    const poll = unread(url, { body: JSON.stringify([alice.connectRequest()]) });
    const [session] = server.sessions;
    await until(() => session?.state === 'held');
    await server.publish('/news', 'x'.repeat(20_000_000));
    await until(() => session?.state === 'idle');

    await clock.tick(29_999);
    expect(session?.outbox.size).toBe(0);
    await clock.tick(1);
    await until(() => session?.outbox.size === 1);
    const closed = once(poll, 'close');
    poll.on('error', () => {}).resume();
    await closed;
    expect(poll.bytesRead).toBeLessThan(20_000_000);
  });

  it('that something in front answered is over, and harms nobody', async () => {
    const { server, http, url } = await start();
    http.prependListener('request', (req, res: ServerResponse) => {
      if (req.url?.endsWith('/slow')) setImmediate(() => res.writeHead(503).end('too slow'));
    });
    const alice = await client(url);
    await alice.subscribe('/news');
    const slow = reach(url).post([alice.connectRequest()], {}, '/slow');
    expect((await slow.response).status).toBe(503);
    await server.publish('/news', 1);
    expect(await alice.take(1)).toEqual([{ channel: '/news', data: 1 }]);
  });

  it('ends with a 500 and no body when a newer one takes its place', async () => {
    const { server, url } = await start();
    const alice = await client(url);
    const held = await alice.hold();
    const newer = await alice.hold();
    const response = await held.response;
    expect([response?.status, response?.text]).toEqual([500, '']);
    expect(newer.answered()).toBe(false);
    await server.close();
    const last = await newer.response;
    expect([last?.status, last?.text, last?.headers.connection]).toEqual([
      503,
      'Service unavailable',
      'close',
    ]);
  });

  it('ends at shutdown with a 503 that closes a connection which is kept alive, as does one that comes later', async () => {
    const { server, url } = await start();
    const alice = await client(url);
    const [session] = server.sessions;
    const body = JSON.stringify([alice.connectRequest()]);
    const closed = async (poll: Socket) => {
      let text = '';
      poll.on('data', (chunk) => (text += chunk)).resume();
      await once(poll, 'end');
      expect(text).toMatch(/^HTTP\/1\.1 503 .*^Connection: close\r$/ims);
    };
    const held = unread(url, { body });
    await until(() => session?.state === 'held');
    await server.close();
    await closed(held);
    await closed(unread(url, { body }));
  });
});

describe('the answer to a publish', () => {
  const publish = (id: unknown) => ({ channel: '/news', id, data: 1 });
  const raw = (body: string) =>
    `POST /bayeux HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const settings = { unconnectedPublish: 'allow' } as const;

  it.each(['plain', 'é', 'ÿ', '€', '😀', 'a"b\\c\u2028', '\ud800', ''])(
    'has the length of its text in UTF-8, and the id as it came: %j',
    async (id) => {
      const { url } = await start(settings);
      const { headers, body, text } = await send(url, 'POST', '', json, JSON.stringify([publish(id)]));
      expect(body).toEqual([{ id, channel: '/news', successful: true }]);
      expect(Number(headers['content-length'])).toBe(Buffer.byteLength(text));
    },
  );

  it('is one part of one write, head and body together', async () => {
    const { http, url } = await start(settings);
    const parts: string[] = [];
    http.once('connection', (socket: Socket) => {
      const write = socket._write.bind(socket);
      const writev = socket._writev?.bind(socket);
      socket._write = (chunk, encoding, callback) => {
        parts.push(String(chunk));
        write(chunk, encoding, callback);
      };
      socket._writev = (chunks, callback) => {
        parts.push(...chunks.map(({ chunk }) => String(chunk)));
        writev?.(chunks, callback);
      };
    });
    await send(url, 'POST', '', json, JSON.stringify([publish('1')]));
    const [head, body, ...more] = parts.join('|').split('\r\n\r\n');
    expect([head?.slice(0, 15), body, more]).toEqual([
      'HTTP/1.1 200 OK',
      '[{"id":"1","channel":"/news","successful":true}]',
      [],
    ]);
  });

  it('has its turn after those to earlier requests of its connection', async () => {
    const { url } = await start(settings);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const ids = ['1', 'é', '3', '€', '5'];
    socket.write(ids.map((id) => raw(JSON.stringify([publish(id)]))).join(''));
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await until(() => text.split('successful').length === ids.length + 1 && text.endsWith(']'));
    expect([...text.matchAll(/"id":"([^"]*)"/g)].map(([, id]) => id)).toEqual(ids);
  });
});

describe('polls of which one in twenty is destroyed while it is answered', () => {
  it('bring 10,000 events once each, in order', async () => {
    const { server, http, url } = await start();
    let answers = 0;
    let destroyed = 0;
    http.prependListener('request', (_req, res: ServerResponse) => {
      const write = res.write.bind(res);
      const writeOrCut = (body: string): void => {
        const isCut = body.startsWith('[{"channel":"/news"') && ++answers % 20 === 0;
        if (isCut) destroyed += 1;
        if (isCut) res.socket?.destroy();
        write(body);
      };
      Object.assign(res, { write: writeOrCut });
    });
    const alice = await client(url);
    await alice.subscribe('/news');
    const [session] = server.sessions;
    const got: unknown[] = [];
    const poll = async (): Promise<void> => {
      const { messages } = alice.link.send([alice.connectRequest()]);
      for (const { channel, data } of await messages) if (channel === '/news') got.push(data);
    };
    for (let next = 0; got.length < 10_000; ) {
      const polling = poll().catch(() => {});
      await until(() => session?.state === 'held' || (session?.outbox.size ?? 0) === 0);
      for (const end = Math.min(next + 25, 10_000); next < end; next += 1)
        await server.publish('/news', next);
      await polling;
    }
    expect(got).toEqual([...Array(10_000).keys()]);
    expect(destroyed).toBeGreaterThan(15);
  });
});
