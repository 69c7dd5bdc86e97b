import { createServer } from 'node:http';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { api, type LogEvent, type Server, type ServerSettings } from '../../src/index.ts';
import { listening, start, type Started } from '../support/start.ts';
import { until } from '../support/until.ts';
import { masked, opcodes, WebSocketClient } from '../transports/websocket-client.ts';
import { type Method, send } from './send.ts';

const json = { 'Content-Type': 'application/json' };
const handshake = {
  channel: '/meta/handshake',
  version: '1.0',
  supportedConnectionTypes: ['long-polling', 'websocket'],
};

interface Told extends Started {
  readonly warnings: LogEvent[];
}

async function told(settings: ServerSettings = {}): Promise<Told> {
  const warnings: LogEvent[] = [];
  const log = (event: LogEvent): void => void (event.level !== 'debug' && warnings.push(event));
  return { ...(await start({ ...settings, log })), warnings };
}

/** What a request is answered, in words. */
type Asking = (started: Told) => Promise<string>;

const http =
  (method: Method, headers: Record<string, string>, body?: string | Buffer, path = ''): Asking =>
  async ({ url }) => {
    const { status, text } = await send(url, method, path, headers, body);
    return `${status} ${text}`;
  };
const post = (body: unknown, headers = {}) =>
  http('POST', { ...json, ...headers }, typeof body === 'string' ? body : JSON.stringify(body));

/** The error of the last reply to these batches, sent one after another with the clientId of the handshake. */
const errorOf =
  (...messages: object[]): Asking =>
  async ({ url }) => {
    const [welcome] = (await send(url, 'POST', '', json, JSON.stringify(handshake))).body;
    let error = '';
    for (const message of messages) {
      const body = JSON.stringify({ clientId: welcome.clientId, ...message });
      [{ error }] = (await send(url, 'POST', '', json, body)).body;
    }
    return error;
  };

const bareError =
  (message: object): Asking =>
  async ({ url }) =>
    (await send(url, 'POST', '', json, JSON.stringify(message))).body[0].error;

const upgrade =
  (headers: Record<string, string> = {}): Asking =>
  async ({ url }) => {
    const { status, body } = await refusedUpgrade(url, headers);
    return `${status} ${body}`;
  };

async function refusedUpgrade(url: string, headers: Record<string, string>) {
  const { request } = await import('node:http');
  return new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const sent = request(url, {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    });
    sent.on('error', reject).on('response', (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    sent.end();
  });
}

/** What a WebSocket is closed with once this frame came. */
const frame =
  (bytes: Buffer): Asking =>
  async ({ url }) => {
    const client = await WebSocketClient.open(url);
    client.socket.write(bytes);
    await until(() => client.code !== undefined);
    return `${client.code} ${client.reason}`;
  };

const deep = `${'['.repeat(70)}${']'.repeat(70)}`;
const names = (count: number) => Array.from({ length: count }, (_, at) => `/n/${at}`);
const publish = (channel: string, data: unknown = 1) => ({ channel, data });
const subscribe = (subscription: unknown, more = {}) => ({
  channel: '/meta/subscribe',
  subscription,
  ...more,
});
const secret = 'a secret of this spec, 32 characters';
const no = { canHandshake: () => true, canSubscribe: () => false, canPublish: () => false };

interface Row {
  readonly cause: string;
  readonly settings?: ServerSettings;
  readonly asked: Asking;
  readonly answer: string;
  readonly event: string;
  readonly option?: string;
  /** What the log says; the words of the answer where it is absent. */
  readonly why?: string;
}

const rows: readonly Row[] = [
  // Origins
  {
    cause: 'a page of another origin',
    asked: post([handshake], { Origin: 'http://localhost:5173' }),
    answer: '403 Forbidden: origin http://localhost:5173 is not allowed; add it to "origins"',
    event: 'origin.refused',
    option: 'origins',
  },
  {
    cause: 'a page of an origin that is not listed',
    settings: { origins: ['https://www.example.com'] },
    asked: post([handshake], { Origin: 'http://localhost:5173' }),
    answer: '403 Forbidden: origin http://localhost:5173 is not allowed; add it to "origins"',
    event: 'origin.refused',
    option: 'origins',
  },
  {
    cause: 'a WebSocket of a page of another origin',
    asked: upgrade({ Origin: 'http://localhost:5173' }),
    answer: '403 Forbidden: origin http://localhost:5173 is not allowed; add it to "origins"',
    event: 'origin.refused',
    option: 'origins',
  },
  {
    cause: 'a page on plain HTTP of a server on HTTPS',
    settings: { trustProxy: 1 },
    asked: post([handshake], {
      Origin: 'http://chat.example',
      'X-Forwarded-Host': 'chat.example',
      'X-Forwarded-Proto': 'https',
    }),
    answer:
      '403 Forbidden: origin http://chat.example is not allowed; add it to "origins", or open the page at https://chat.example',
    event: 'origin.refused',
    option: 'origins',
  },
  {
    cause: 'a page behind a proxy that is not trusted',
    asked: post([handshake], { Origin: 'http://chat.example', 'X-Forwarded-Host': 'chat.example' }),
    answer:
      '403 Forbidden: origin http://chat.example is not allowed; add it to "origins", or set "trustProxy" if a proxy of yours is in front',
    event: 'origin.refused',
    option: 'origins',
  },
  {
    cause: 'a script that does not say from which page',
    asked: http('GET', {}, undefined, '?message=[]'),
    answer:
      '403 Forbidden: the request does not say which page it is from; a page that uses callback-polling or eventsource must send a Referer: ' +
      'serve it with Referrer-Policy: same-origin, or strict-origin when it is on another origin',
    event: 'origin.refused',
    option: 'origins',
  },
  // Shape
  {
    cause: 'another method',
    asked: http('PUT', json, '[]'),
    answer: '405 Method not allowed: PUT is none of GET, POST and OPTIONS',
    event: 'request.refused',
  },
  {
    cause: 'a transport that is not enabled',
    settings: { transports: ['websocket'] },
    asked: post([handshake]),
    answer: '400 Bad request: long-polling is not enabled; add it to "transports"',
    event: 'request.refused',
    option: 'transports',
  },
  {
    cause: 'a WebSocket where it is not enabled',
    settings: { transports: ['long-polling'] },
    asked: async (started) => {
      const detach = started.server.attachUpgrades(started.http, { path: '/bayeux' });
      const answer = await upgrade()(started);
      detach();
      return answer;
    },
    answer: '400 Bad request: websocket is not enabled; add it to "transports"',
    event: 'request.refused',
    option: 'transports',
  },
  {
    cause: 'a WebSocket without the subprotocol',
    settings: { websocket: { protocol: 'bayeux' } },
    asked: upgrade(),
    answer:
      '400 Bad request: the subprotocol "bayeux" was not offered; change "websocket.protocol" or the client',
    event: 'request.refused',
    option: 'websocket.protocol',
  },
  {
    cause: 'another version of WebSocket',
    asked: upgrade({ 'Sec-WebSocket-Version': '8' }),
    answer: '426 Upgrade required: of WebSocket only version 13 is spoken here',
    event: 'request.refused',
  },
  {
    cause: 'a WebSocket without a key',
    asked: upgrade({ 'Sec-WebSocket-Key': 'short' }),
    answer: '400 Bad request: the WebSocket handshake has no valid Sec-WebSocket-Key',
    event: 'request.refused',
  },
  {
    cause: 'text that is no JSON',
    asked: post('[{'),
    answer: '400 Bad request: the text is no batch of Bayeux messages, a JSON array of objects',
    event: 'request.refused',
  },
  {
    cause: 'nothing in the batch',
    asked: post('[]'),
    answer: '400 Bad request: the batch has no message',
    event: 'request.refused',
  },
  {
    cause: 'too many messages',
    settings: { maxBatch: 2 },
    asked: post([handshake, handshake, handshake]),
    answer: '413 Request too large: "maxBatch" is 2; raise it to allow more',
    event: 'request.refused',
    option: 'maxBatch',
  },
  {
    cause: 'too many levels',
    asked: post(deep),
    answer: '413 Request too large: "maxDepth" is 64; raise it to allow more',
    event: 'request.refused',
    option: 'maxDepth',
  },
  {
    cause: 'a long body',
    settings: { maxMessageSize: 10 },
    asked: post([handshake]),
    answer: '413 Request too large: "maxMessageSize" is 10; raise it to allow more',
    event: 'request.refused',
    option: 'maxMessageSize',
  },
  {
    cause: 'another charset',
    asked: post([handshake], { 'Content-Type': 'application/json; charset=latin1' }),
    answer: '415 Unsupported charset: send UTF-8',
    event: 'request.refused',
  },
  {
    cause: 'another encoding',
    asked: post([handshake], { 'Content-Encoding': 'br' }),
    answer: '415 Unsupported content encoding: send gzip, deflate or none',
    event: 'request.refused',
  },
  {
    cause: 'a frame that is no JSON',
    asked: frame(masked('[{')),
    answer: '1007 the text is no batch of Bayeux messages, a JSON array of objects',
    event: 'request.refused',
  },
  {
    cause: 'a binary frame',
    asked: frame(masked('x', { opcode: opcodes.BINARY })),
    answer: '1003 a binary frame came: send text',
    event: 'request.refused',
  },
  {
    cause: 'a frame of many messages',
    settings: { maxBatch: 1 },
    asked: frame(masked('[{},{}]')),
    answer: '1009 "maxBatch" is 1; raise it to allow more',
    event: 'request.refused',
    option: 'maxBatch',
  },
  {
    cause: 'a long frame',
    settings: { maxMessageSize: 10 },
    asked: frame(masked(JSON.stringify([handshake]))),
    answer: '1009 "maxMessageSize" is 10; raise it to allow more',
    event: 'request.refused',
    option: 'maxMessageSize',
  },
  {
    cause: 'an event stream for nobody',
    asked: http('GET', { Accept: 'text/event-stream' }, undefined, '/nobody'),
    answer: '404 Not found: no such session',
    event: 'request.refused',
  },
  // Sessions
  {
    cause: 'one session too many',
    settings: { maxSessions: 1, maxSessionsPerAddress: 9 },
    asked: async (started) => {
      await post([handshake])(started);
      return post([handshake])(started);
    },
    answer: '503 Service unavailable: "maxSessions" is 1; raise it to allow more',
    event: 'session.refused',
    option: 'maxSessions',
  },
  {
    cause: 'one session of an address too many',
    settings: { maxSessionsPerAddress: 1 },
    asked: async (started) => {
      await post([handshake])(started);
      return post([handshake])(started);
    },
    answer: '503 Service unavailable: "maxSessionsPerAddress" is 1; raise it to allow more',
    event: 'session.refused',
    option: 'maxSessionsPerAddress',
  },
  {
    cause: 'one socket too many',
    settings: { maxSessions: 1 },
    asked: async (started) => {
      for (let at = 0; at < 2; at += 1) await WebSocketClient.open(started.url);
      const one = await WebSocketClient.open(started.url);
      await until(() => one.code !== undefined);
      // Five to ten seconds, at random.
      return `${one.code} ${one.reason.replace(/; come again in ([5-9]|10) s$/, '')}`;
    },
    answer: '1013 "maxSessions" is 1; raise it to allow more',
    event: 'session.refused',
    option: 'maxSessions',
  },
  {
    cause: 'no room for what comes in',
    settings: { maxIncomingBytes: 40 },
    asked: http(
      'POST',
      { ...json, 'Transfer-Encoding': 'chunked' },
      Buffer.from(JSON.stringify([handshake])),
    ),
    answer: '503 Service unavailable: "maxIncomingBytes" is 40; raise it to allow more',
    event: 'request.refused',
    option: 'maxIncomingBytes',
  },
  {
    cause: 'a session that is unknown',
    asked: bareError({ channel: '/meta/connect', clientId: 'gone', connectionType: 'long-polling' }),
    answer: '402::session_unknown',
    event: 'message.refused',
    option: 'maxInterval',
    why: 'the session is unknown: it ended or was silent for longer than "maxInterval", or the server was started anew',
  },
  {
    cause: 'a session without its cookie',
    settings: { trustClientSession: false },
    asked: errorOf(publish('/a')),
    answer: '402::session_unknown',
    event: 'message.refused',
    option: 'trustClientSession',
    why: 'the message comes without the cookie, or by another WebSocket than its session; "trustClientSession" allows that',
  },
  {
    cause: 'a publish without a session',
    asked: bareError(publish('/a')),
    answer: '402::session_unknown',
    event: 'message.refused',
    option: 'unconnectedPublish',
    why: 'the publish names no session; "unconnectedPublish" allows that',
  },
  {
    cause: 'a handshake that the policy refuses',
    settings: { policy: { canHandshake: () => false } },
    asked: bareError(handshake),
    answer: '403::handshake_denied',
    event: 'message.refused',
    option: 'policy',
    why: 'canHandshake of the policy refused it',
  },
  {
    cause: 'a handshake that the policy refuses with an error of its own',
    settings: { policy: { canHandshake: () => ({ allow: false, error: '403::no_ticket' }) } },
    asked: bareError(handshake),
    answer: '403::no_ticket',
    event: 'message.refused',
    option: 'policy',
    why: 'canHandshake of the policy refused it',
  },
  {
    cause: 'a handshake without a token',
    settings: { auth: { secret } },
    asked: bareError(handshake),
    answer: '401::token_missing',
    event: 'auth.refused',
    why: 'no token came',
  },
  {
    cause: 'a transport that is not offered',
    asked: bareError({ ...handshake, supportedConnectionTypes: ['flash'] }),
    answer: '301:flash:connection_types_unsupported',
    event: 'message.refused',
    option: 'transports',
    why: 'none of the transports that the client names is enabled; add one to "transports"',
  },
  // Channels
  {
    cause: 'a channel that the policy refuses to subscribers',
    settings: { policy: no },
    asked: errorOf(subscribe('/vip')),
    answer: '403:/vip:subscribe_denied',
    event: 'message.refused',
    option: 'policy',
    why: 'canSubscribe of the policy refused it',
  },
  {
    cause: 'a channel that nothing grants to subscribers',
    settings: { auth: { secret, anonymous: true } },
    asked: errorOf(subscribe('/vip')),
    answer: '403:/vip:subscribe_denied',
    event: 'message.refused',
    option: 'channels',
    why: 'no grant allows it, or canSubscribe of the policy refused it',
  },
  {
    cause: 'a channel that nothing grants to publishers',
    settings: { auth: { secret, anonymous: true } },
    asked: errorOf(publish('/vip')),
    answer: '403:/vip:publish_denied',
    event: 'message.refused',
    option: 'channels',
    why: 'no grant allows it, or canPublish of the policy refused it',
  },
  {
    cause: 'a channel that the policy refuses to publishers',
    settings: { policy: no },
    asked: errorOf(publish('/vip')),
    answer: '403:/vip:publish_denied',
    event: 'message.refused',
    option: 'policy',
    why: 'canPublish of the policy refused it',
  },
  {
    cause: 'a meta channel',
    asked: errorOf(subscribe('/meta/**')),
    answer: '403:/meta/**:subscribe_denied',
    event: 'message.refused',
    why: 'clients cannot subscribe to meta channels',
  },
  {
    cause: 'a name with other characters',
    asked: errorOf(publish('/a b')),
    answer: '405:/a b:channel_invalid',
    event: 'message.refused',
    option: 'channelNames',
    why: 'the channel is no name of letters, digits and - _ ! ~ ( ) $ @; "channelNames" allows more',
  },
  {
    cause: 'a long name',
    settings: { maxChannelLength: 5 },
    asked: errorOf(publish('/abcdef')),
    answer: '405:/abcdef:channel_invalid',
    event: 'message.refused',
    option: 'maxChannelLength',
    why: '"maxChannelLength" is 5; raise it to allow more',
  },
  {
    cause: 'a name of many segments',
    settings: { maxChannelSegments: 2 },
    asked: errorOf(subscribe('/a/b/c')),
    answer: '405:/a/b/c:channel_invalid',
    event: 'message.refused',
    option: 'maxChannelSegments',
    why: '"maxChannelSegments" is 2; raise it to allow more',
  },
  {
    cause: 'many subscriptions',
    settings: { maxSubscriptions: 3 },
    asked: errorOf(subscribe(names(4))),
    answer: '413:3:too_many_subscriptions',
    event: 'message.refused',
    option: 'maxSubscriptions',
    why: '"maxSubscriptions" is 3; raise it to allow more',
  },
  {
    cause: 'many patterns in one message',
    asked: errorOf(subscribe(names(101))),
    answer: '413:100:too_many_patterns',
    event: 'message.refused',
    option: 'maxPatternsPerMessage',
    why: '"maxPatternsPerMessage" is 100; raise it to allow more',
  },
  {
    cause: 'many patterns in one message, by an option',
    settings: { maxPatternsPerMessage: 3 },
    asked: errorOf(subscribe(names(4))),
    answer: '413:3:too_many_patterns',
    event: 'message.refused',
    option: 'maxPatternsPerMessage',
    why: '"maxPatternsPerMessage" is 3; raise it to allow more',
  },
  {
    cause: 'no memory for subscriptions',
    settings: { maxSubscriptionBytes: 100 },
    asked: errorOf(subscribe('/a')),
    answer: '413:server:too_many_subscriptions',
    event: 'subscriptions.no_room',
    option: 'maxSubscriptionBytes',
    why: '"maxSubscriptionBytes" is 100; raise it to allow more',
  },
  {
    cause: 'many replays',
    settings: { replay: { maxReplays: 1 }, channels: { '/d/*': { history: true } } },
    asked: errorOf(subscribe(['/d/1', '/d/2'], { ext: { replay: { '/d/1': -2, '/d/2': -2 } } })),
    answer: '413:1:too_many_replays',
    event: 'message.refused',
    option: 'replay.maxReplays',
    why: '"replay.maxReplays" is 1; raise it to allow more',
  },
  {
    cause: 'a replay id that is none',
    settings: { channels: { '/d/*': { history: true } } },
    asked: errorOf(subscribe('/d/1', { ext: { replay: { '/d/1': 77 } } })),
    answer: '400:/d/1,77:replay_id_invalid',
    event: 'message.refused',
    option: 'replay.onGap',
    why: 'what came after this replay id is not kept, or no event has had it; with "replay.onGap": "earliest" what is kept is replayed',
  },
  {
    cause: 'data that breaks the schema of the channel',
    settings: { channels: { '/prices': { schema: { type: 'number' } } } },
    asked: errorOf(publish('/prices', 'free')),
    answer: '400:/prices:data_invalid',
    event: 'message.refused',
    option: 'channels',
    why: 'data for /prices does not satisfy channels["/prices"].schema: data must be number',
  },
  {
    cause: 'no data',
    asked: errorOf({ channel: '/a' }),
    answer: '400::data_missing',
    event: 'message.refused',
    why: 'a publish needs data; null is data',
  },
  {
    cause: 'an extension that deletes a message',
    settings: { extensions: [{ name: 'x', kinds: ['publish'], incoming: () => undefined }] },
    asked: errorOf(publish('/a')),
    answer: '404::message_deleted',
    event: 'message.refused',
    option: 'extensions',
    why: 'an extension deleted it',
  },
];

describe('what is refused', () => {
  it.each(rows)('$cause is answered and logged in words', async (row) => {
    const started = await told(row.settings);
    const answer = await row.asked(started);
    expect(answer.trimEnd()).toBe(row.answer);
    const why = row.why ?? row.answer.replace(/^\d+ ([A-Z][\w ]*: )?/, '');
    await until(() => started.warnings.length > 0, 'a line in the log');
    expect(started.warnings).toMatchObject([{ level: 'warn', event: row.event, why, count: 1 }]);
    expect(started.warnings[0]?.option).toBe(row.option);
  });

  it.each(rows)('$cause is one line however often, and one more after a minute', async (row) => {
    const started = await told(row.settings);
    await row.asked(started);
    await until(() => started.warnings.length > 0, 'a line in the log');
    await row.asked(started);
    expect(started.warnings).toHaveLength(1);
    await started.clock.tick(60_000);
    await row.asked(started);
    await until(() => started.warnings.length > 1, 'a second line');
    expect(started.warnings).toHaveLength(2);
    expect(started.warnings[1]?.count).toBeGreaterThan(1);
  });

  it('has no secret in the log', async () => {
    const started = await told({ trustClientSession: false, policy: no });
    await errorOf(publish('/a'), subscribe('/b'))(started);
    const [welcome] = (await send(started.url, 'POST', '', json, JSON.stringify(handshake))).body;
    await bareError({ ...publish('/a'), clientId: welcome.clientId, ext: { token: 's3cret' } })(started);
    expect(started.warnings.length).toBeGreaterThan(0);
    expect(JSON.stringify(started.warnings)).not.toContain(welcome.clientId);
    expect(JSON.stringify(started.warnings)).not.toContain('s3cret');
  });
});

describe('a session that ends since too much waits', () => {
  it.each([
    [
      { maxQueue: 2 },
      'maxQueue',
      '"maxQueue" is 2 and more events wait for the session; raise it, or set "queueOverflow"',
    ],
    [
      { maxQueueBytes: 100 },
      'maxQueueBytes',
      '"maxQueueBytes" is 100 and more bytes wait for the session; raise it, or set "queueOverflow"',
    ],
  ])('%j is a warning', async (settings, option, why) => {
    const started = await told(settings);
    const [welcome] = (await send(started.url, 'POST', '', json, JSON.stringify(handshake))).body;
    const session = [...started.server.sessions][0];
    await send(
      started.url,
      'POST',
      '',
      json,
      JSON.stringify({ ...subscribe('/a'), clientId: welcome.clientId }),
    );
    for (let at = 0; at < 5; at += 1) await started.server.publish('/a', { text: 'x'.repeat(40) });
    expect(started.warnings).toEqual([
      {
        level: 'warn',
        event: 'session.overflow',
        option,
        limit: Object.values(settings)[0],
        why,
        session: session?.id,
        channel: '/a',
        count: 1,
      },
    ]);
  });
});

describe('the HTTP API', () => {
  const key = 'aaaaaaaa0123456789abcdefghijklmnopqrstuv';
  const calling = async (server: Server, given: string | undefined) =>
    listening(createServer(express().use('/api', api(server, { key: given }))));

  it.each([
    [
      undefined,
      'x',
      403,
      'api.refused',
      'the API is closed: no API key is configured (--api-key, --api-keys-file, or api(server, { key }))',
    ],
    [
      key,
      undefined,
      401,
      'api.key_missing',
      'the API key is missing or wrong: send it as "Authorization: Bearer KEY" or "X-API-Key: KEY"',
    ],
    [
      key,
      'wrong-key',
      401,
      'api.key_wrong',
      'the API key is missing or wrong: send it as "Authorization: Bearer KEY" or "X-API-Key: KEY"',
    ],
  ])('with key %s refuses %s with %i, and logs it', async (given, shown, status, event, why) => {
    const { server, warnings } = await told();
    const url = await calling(server, given);
    const headers = { ...json, ...(shown !== undefined && { 'X-API-Key': shown }) };
    for (let at = 0; at < 3; at += 1) {
      const answer = await send(url, 'POST', '/api/publish', headers, '{}');
      expect([answer.status, answer.body.detail]).toEqual([status, why]);
    }
    expect(warnings).toMatchObject([{ level: 'warn', event, option: 'apiKey', why, count: 1 }]);
    expect(JSON.stringify(warnings)).not.toContain('wrong-key');
  });

  it('logs once a minute that an address must wait, and tells the address', async () => {
    const { server, warnings } = await told();
    const url = await calling(server, key);
    let answer = await send(url, 'POST', '/api/publish', { 'X-API-Key': 'wrong-key' }, '{}');
    for (let at = 0; at < 25; at += 1)
      answer = await send(url, 'POST', '/api/publish', { 'X-API-Key': 'wrong-key' }, '{}');
    const why = 'too many wrong API keys came from this address: wait, and check the key';
    expect([answer.status, answer.body.detail]).toEqual([429, why]);
    expect(warnings).toMatchObject([
      { event: 'api.key_wrong', count: 1 },
      { event: 'api.key_blocked', address: '127.0.0.1', why, count: 1 },
    ]);
  });

  it.each([
    ['[', 400, 'the body is not JSON, or it is not complete'],
    ['{"channel":"/a"}', 400, 'data is missing'],
    ['{"channel":"a","data":1}', 400, 'channel must begin with "/"'],
    [
      `{"channel":"/${'a'.repeat(300)}","data":1}`,
      400,
      'channel must not be longer than 255 characters; raise "maxChannelLength"',
    ],
  ])('logs the body %.20s that it refuses', async (body, status, why) => {
    const { server, warnings } = await told();
    const url = await calling(server, key);
    const answer = await send(url, 'POST', '/api/publish', { ...json, 'X-API-Key': key }, body);
    expect([answer.status, answer.body.detail]).toEqual([status, why]);
    expect(warnings).toMatchObject([{ level: 'warn', event: 'api.refused', status, why, count: 1 }]);
  });
});
