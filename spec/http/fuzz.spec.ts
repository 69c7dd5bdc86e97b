import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/index.ts';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { send } from './send.ts';

const runs = { numRuns: 300 };

/** Sends raw bytes, and says with `end` that no more will come; reads until the server closes. */
function raw(url: string, how: 'write' | 'end', bytes: Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ host: hostname, port: Number(port) });
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
    socket[how](bytes);
  });
}

/** A server, and what it says has gone wrong. */
async function watched() {
  const failures: LogEvent[] = [];
  const started = await start({ log: (event) => void (event.level === 'error' && failures.push(event)) });
  const intact = async () => {
    expect(failures).toEqual([]);
    const { status } = await send(
      started.url,
      'POST',
      '',
      { 'Content-Type': 'application/json' },
      '{"channel":"/a"}',
    );
    expect(status).toBe(200);
    const { clock, server } = started;
    await clock.tick(60_000);
    await until(() => clock.pending === 0);
    expect(server.usage).toEqual({ sessions: 0, channelNodes: 0, browsers: 0, addresses: 0 });
  };
  return { ...started, intact };
}

const isOneAnswer = /^HTTP\/1\.1 (200|400|403|404|405|413|414|415|417|426|431|501) /;

const handshake = encodeURIComponent(
  JSON.stringify({ channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] }),
);
const visible = fc.string({
  unit: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)),
});
const piece = fc.oneof(
  visible,
  fc.constantFrom(
    '/bayeux',
    '?',
    '&',
    'message=',
    handshake,
    'jsonp=',
    'f',
    '%',
    '%00',
    '%ff',
    '%zz',
    '/..',
    '//',
    '#',
    ';',
    '__proto__',
    '*',
  ),
);
const odd = fc.array(piece, { maxLength: 8 }).map((pieces) => `/bayeux${pieces.join('')}`);
const nearlyRight = fc
  .tuple(piece, piece)
  .map(([path, more]) => `/bayeux/${path}?message=${handshake}&jsonp=f&${more}`);
const target = fc.oneof(odd, nearlyRight);
const method = fc.constantFrom('GET', 'POST', 'OPTIONS', 'HEAD', 'PUT', 'DELETE', 'TRACE', 'PATCH');
const name = fc.constantFrom(
  ...[
    'Accept',
    'Content-Type',
    'Content-Encoding',
    'Cookie',
    'Origin',
    'Referer',
    'Host',
    'Sec-Fetch-Site',
    'Upgrade',
  ],
  ...[
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'Access-Control-Request-Headers',
    '__proto__',
    'constructor',
    'X',
  ],
);
const value = fc.oneof(
  visible,
  fc.constantFrom(
    'text/event-stream',
    'application/json',
    'application/json; charset=',
    'gzip',
    'deflate',
    'null',
    'http://',
  ),
  fc.constantFrom(
    'BAYEUX_BROWSER=',
    '=;=;',
    'websocket',
    'http://[::1',
    'a:b:c',
    ',,,',
    '"',
    'application/x-www-form-urlencoded',
  ),
);
const headers = fc.array(fc.tuple(name, value), { maxLength: 6 });
const body = fc.oneof(
  fc.json(),
  fc.json().map((text) => `message=${encodeURIComponent(text)}`),
  fc.string({ unit: 'binary' }),
  visible,
);

describe('odd requests', () => {
  it('get one answer each and leave nothing behind', async () => {
    const { url, intact } = await watched();
    const statuses = new Set<string>();
    const request = fc.tuple(method, target, headers, body);
    await fc.assert(
      fc.asyncProperty(request, async ([verb, path, fields, content]) => {
        const bytes = Buffer.from(verb === 'POST' ? content : '');
        const lines = [
          `${verb} ${path} HTTP/1.1`,
          ...(fields.some(([field]) => field === 'Host') ? [] : ['Host: x']),
          ...(fields.some(([field]) => field === 'Sec-Fetch-Site') ? [] : ['Sec-Fetch-Site: same-origin']),
          ...fields.map(([field, text]) => `${field}: ${text}`),
          `Content-Length: ${bytes.length}`,
          'Connection: close',
        ];
        const answer = await raw(
          url,
          'write',
          Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]),
        );
        expect(answer).toMatch(isOneAnswer);
        statuses.add(answer.slice(9, 12));
      }),
      runs,
    );
    expect([...statuses]).toEqual(expect.arrayContaining(['200', '400', '403', '405']));
    await intact();
  });

  it('that are no HTTP harm nobody', async () => {
    const { url, intact } = await watched();
    const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    const cut = fc.tuple(body, fc.nat({ max: 100 })).map(([content, more]) => {
      const length = Buffer.byteLength(content) + more;
      return Buffer.from(`POST /bayeux HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n${content}`);
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(noise, cut), async (bytes) => {
        await raw(url, 'end', bytes);
      }),
      runs,
    );
    await intact();
  });
});
