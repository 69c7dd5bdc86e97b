import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LogEvent } from '../../src/index.ts';
import { host } from '../interop/host.ts';
import { batches, bring, faultOf } from '../support/fuzz.ts';
import { masked, WebSocketClient } from '../transports/websocket-client.ts';
import { eventually } from './eventually.ts';
import { type Answer, HttpClient } from './http-client.ts';

const AT_ONCE = 32;
/** Statuses that a fuzzed request may get; 500 is what a replaced connect gets, without a body (CN-10). */
const statuses = new Set([200, 400, 403, 404, 405, 413, 415, 431, 500, 503]);

const header = fc.constantFrom(
  ...[
    'Accept',
    'Cookie',
    'Origin',
    'Referer',
    'Content-Encoding',
    'X-Forwarded-For',
    'Sec-Fetch-Site',
    '__proto__',
  ],
);
const headerValue = fc.constantFrom(
  ...[
    '*/*',
    'text/event-stream',
    'BAYEUX_BROWSER=abcdefgh12345678',
    'BAYEUX_BROWSER=;;',
    'http://127.0.0.1',
    'null',
    'gzip',
    'x',
    '',
  ],
);
const headers = fc.dictionary(header, headerValue, { maxKeys: 2 });
const contentType = fc.constantFrom(
  ...[
    'application/json',
    'application/json;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'text/plain',
    '',
    'x',
  ],
  ...['application/json;charset=utf-16', 'multipart/form-data; boundary=x'],
);
const suffix = fc.constantFrom(
  '',
  '',
  '/',
  '/handshake',
  '/connect',
  '/59.0',
  '/a/b/c',
  '/%00',
  '/../x',
  '//',
  '?a=b',
  '/;x',
  '/*',
);

/** A server in real time whose sessions are short-lived, what it complains of, and the sessions its answers told of. */
async function target(requests: number) {
  const errors: LogEvent[] = [];
  const started = await host({
    timeout: 1000,
    maxInterval: 1000,
    unconnectedPublish: 'allow',
    channels: { '/a': { lazy: 10 }, '/**': { broadcastToPublisher: true } },
    log: (event) => void (event.level === 'error' && errors.push(event)),
  });
  const { server } = started;
  server.onCall('/service/x', ({ data }) => data);
  const seen = { opened: 0, subscribed: 0, published: 0 };
  server.on('session.opened', () => {
    seen.opened += 1;
  });
  server.on('channel.subscribed', () => {
    seen.subscribed += 1;
  });
  server.on('published', () => {
    seen.published += 1;
  });
  const live: string[] = [];
  const note = (messages: readonly unknown[]): void => {
    const fault = faultOf(messages);
    if (fault !== undefined) throw new Error(`${fault}: ${JSON.stringify(messages).slice(0, 500)}`);
    for (const { channel, clientId } of messages as { channel?: string; clientId?: string }[]) {
      if (channel !== '/meta/handshake' || clientId === undefined) continue;
      live.push(clientId);
      if (live.length > 20) live.shift();
    }
  };
  const intact = async (isNoise = false): Promise<void> => {
    await eventually(() => server.usage.sessions === 0, 'all sessions have expired');
    expect([errors, server.usage]).toEqual([[], { sessions: 0, channelNodes: 0, browsers: 0, addresses: 0 }]);
    expect({}).not.toHaveProperty('polluted');
    if (!isNoise) expect(Math.min(...Object.values(seen))).toBeGreaterThan(requests / 1000);
  };
  return { url: started.url, live, note, intact };
}

/** Sends so many, some at once. What fails says with which text, and by which seed. */
async function fuzz<T>(
  requests: number,
  seed: number,
  arbitrary: fc.Arbitrary<T>,
  send: (one: T, worker: number) => Promise<void>,
): Promise<void> {
  for (let done = 0, round = 0; done < requests; round += 1) {
    const all = fc.sample(arbitrary, { seed: seed + round, numRuns: Math.min(2000, requests - done) });
    done += all.length;
    let next = 0;
    const work = async (_: unknown, worker: number): Promise<void> => {
      for (let one = all[next++]; one !== undefined; one = all[next++]) {
        try {
          await send(one, worker);
        } catch (cause) {
          throw new Error(`seed ${seed + round}: ${JSON.stringify(one).slice(0, 1000)}`, { cause });
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
}

function judge({ status, type, body }: Answer, note: (messages: readonly unknown[]) => void): void {
  if (!statuses.has(status)) throw new Error(`status ${status}`);
  if (status === 500 && body !== '') throw new Error(`500 with ${body}`);
  if (status !== 200) {
    expect(() => JSON.parse(body)).toThrow();
    return;
  }
  if (type.startsWith('text/javascript')) note(JSON.parse(body.slice(body.indexOf('(') + 1, -2)));
  else if (type.startsWith('application/json')) note(JSON.parse(body));
  else if (!type.startsWith('text/event-stream')) throw new Error(`type ${type}`);
}

/** Fuzzes every transport by real sockets: no throw, no hang, no state left behind. The same seed sends the same. */
export function fuzzTransports(requests: number, seed: number): void {
  describe(`${requests} fuzzed requests`, () => {
    it('over long-polling', async () => {
      const { url, live, note, intact } = await target(requests);
      const client = new HttpClient(url, AT_ONCE);
      onTestFinished(() => client.close());
      const request = fc.record({ text: batches(), contentType, suffix, headers, form: fc.boolean() });
      await fuzz(requests, seed, request, async ({ text, contentType, suffix, headers, form }) => {
        const batch = bring(text, live);
        const body = form && contentType.includes('form') ? `message=${encodeURIComponent(batch)}` : batch;
        const all = { ...headers, 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) };
        judge(await client.send('POST', suffix, all, body), note);
      });
      client.close();
      await intact();
    });

    it('over callback-polling', async () => {
      const { url, live, note, intact } = await target(requests);
      const client = new HttpClient(url, AT_ONCE);
      onTestFinished(() => client.close());
      const callback = fc.constantFrom(
        'cb',
        '_cometd_jsonp_0',
        'a.b',
        'alert(1)',
        '',
        'a-b',
        '__proto__',
        'x'.repeat(70),
      );
      const request = fc.record({ text: batches({ short: true }), callback, suffix, headers });
      await fuzz(requests, seed, request, async ({ text, callback, suffix, headers }) => {
        const message = encodeURIComponent(bring(text, live)).slice(0, 8000);
        const query = `?jsonp=${encodeURIComponent(callback)}&message=${message}`;
        const asked = { 'Sec-Fetch-Site': 'same-origin', ...headers };
        judge(await client.send('GET', suffix.replace(/\?.*/, '') + query, asked), note);
      });
      client.close();
      await intact();
    });

    it('over eventsource', async () => {
      const { url, live, note, intact } = await target(requests);
      const client = new HttpClient(url, AT_ONCE);
      onTestFinished(() => client.close());
      const request = fc.record({
        text: batches({ short: true }),
        opens: fc.nat({ max: 3 }),
        who: fc.nat({ max: 12 }),
        suffix,
        headers,
      });
      await fuzz(requests, seed, request, async ({ text, opens, who, suffix, headers }) => {
        if (opens === 0) {
          const id = live.at(-1 - who) ?? 'nobody';
          judge(
            await client.send('GET', `${suffix.replace(/\?.*/, '')}/${id}`, {
              ...headers,
              Accept: 'text/event-stream',
            }),
            note,
          );
          return;
        }
        const body = bring(text, live).replaceAll('"long-polling"', '"eventsource"');
        judge(await client.send('POST', suffix, { 'Content-Length': Buffer.byteLength(body) }, body), note);
      });
      client.close();
      await intact();
    });

    it('over websocket', async () => {
      const { url, live, note, intact } = await target(requests);
      const clients: WebSocketClient[] = [];
      const frame = fc.oneof(
        { weight: 30, arbitrary: batches().map((text) => ({ text, opcode: 1 })) },
        { weight: 1, arbitrary: fc.record({ text: fc.string(), opcode: fc.nat({ max: 15 }) }) },
      );
      await fuzz(requests, seed, frame, async ({ text, opcode }, worker) => {
        let client = clients[worker];
        if (client === undefined || client.ended || client.code !== undefined) {
          client?.socket.destroy();
          client = await WebSocketClient.open(url);
          clients[worker] = client;
        }
        client.socket.write(masked(bring(text, live), { opcode }));
        // A pong, or the end, says that all before it was read.
        const pongs = client.pongs.length;
        client.socket.write(masked('', { opcode: 9 }));
        const here = client;
        await eventually(
          () => here.pongs.length > pongs || here.ended || here.code !== undefined,
          'a pong',
          10_000,
        );
        for (const frame of client.frames.splice(0)) note(JSON.parse(frame));
        client.messages.length = 0;
        client.payloads.length = 0;
      });
      for (const client of clients) client.socket.destroy();
      await intact();
    });

    it('that are hardly HTTP', async () => {
      const { url, intact } = await target(requests);
      const { hostname, port, host: name } = new URL(url);
      const line = fc.tuple(
        fc.constantFrom('GET', 'POST', 'OPTIONS', 'PUT', 'x'),
        fc.string({ maxLength: 40 }),
        fc.dictionary(header, fc.string()),
      );
      await fuzz(requests, seed, line, async ([method, target, fields]) => {
        const socket: Socket = connect(Number(port), hostname).on('error', () => {});
        const lines = Object.entries(fields).map(
          ([key, value]) => `${key}: ${value.replace(/[\r\n]/g, '')}\r\n`,
        );
        const path = target.replace(/[\r\n]/g, '');
        socket.end(
          `${method} /bayeux${path} HTTP/1.1\r\nHost: ${name}\r\n${lines.join('')}Content-Length: 0\r\nConnection: close\r\n\r\n`,
        );
        const answer: Buffer[] = [];
        socket.on('data', (bytes: Buffer) => answer.push(bytes));
        await once(socket, 'close');
        expect(Buffer.concat(answer).toString('latin1', 0, 12)).toMatch(/^HTTP\/1\.1 [2345]\d\d/);
      });
      await intact(true);
    });
  });
}
