import assert from 'node:assert/strict';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { type Check, check } from '../check.ts';
import { handshakeOf, open, openOther } from '../client.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { type Message, readBatch, succeeded } from '../message.ts';
import type { Target } from '../target.ts';

const json = { 'Content-Type': 'application/json' };
// A script is served only to a page that is known (CO-3).
const page = { 'Sec-Fetch-Site': 'same-origin' };
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

const posted = (body: string | Buffer, headers: object = json): HttpRequest => ({
  method: 'POST',
  headers: { ...headers },
  body,
});
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const service = (data: string) => `[{"channel":"/service/x","clientId":"nobody","data":${data}}]`;

/** Requests that are refused as a whole: what each is, what it gets, and how it goes. */
const refusals: readonly (readonly [string, number, HttpRequest])[] = [
  ['a POST without a body', 400, posted('')],
  ['a blank body', 400, posted(' \r\n ')],
  ['a form without a message', 400, posted('other=1', form)],
  ['an empty form', 400, posted('', form)],
  ['a GET without a message', 400, { headers: page }],
  ['malformed JSON', 400, posted('[{"channel":')],
  ['JSON with more behind it', 400, posted('[{"channel":"/a"}]]')],
  ['a malformed message in a form', 400, posted('message=%5B%7B', form)],
  ['null', 400, posted('null')],
  ['a number', 400, posted('400')],
  ['a string', 400, posted('"/meta/handshake"')],
  ['true', 400, posted('true')],
  ['an empty array', 400, posted('[]')],
  ['an array with a number', 400, posted('[1]')],
  ['an array with null', 400, posted('[null]')],
  ['an array in the array', 400, posted('[[]]')],
  ['malformed UTF-8', 400, posted(Buffer.from('5b7b22636861ff6e656c223a312c22f0287d5d', 'hex'))],
  [
    'malformed UTF-8 inside a string',
    400,
    posted(
      Buffer.concat([Buffer.from('[{"channel":"/a","data":"'), Buffer.of(0xc3, 0x28), Buffer.from('"}]')]),
    ),
  ],
  ['malformed JSON by callback-polling', 400, { path: '?jsonp=a&message=%5B%7B', headers: page }],
  ['an empty array by callback-polling', 400, { path: '?jsonp=a&message=%5B%5D', headers: page }],
  ['PUT', 405, { ...posted('[{}]'), method: 'PUT' }],
  ['DELETE', 405, { method: 'DELETE' }],
  ['PATCH', 405, { ...posted('[{}]'), method: 'PATCH' }],
  ['a body over a mebibyte', 413, posted(service(`"${'x'.repeat(1_048_576)}"`))],
  [
    'a body that inflates to over a mebibyte',
    413,
    posted(gzipSync(service(`"${'x'.repeat(4_000_000)}"`)), { ...json, 'Content-Encoding': 'gzip' }),
  ],
  ['a batch of a thousand and one', 413, posted(`[${'{"channel":"/a"},'.repeat(1000)}{"channel":"/a"}]`)],
  ['nesting of a hundred', 413, posted(service(nested(100)))],
  ['nesting of a hundred thousand', 413, posted(service(nested(100_000)))],
  ['objects nested a thousand deep', 413, posted(service(`${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`))],
  [
    'the charset ISO-8859-1',
    415,
    posted(service('1'), { 'Content-Type': 'application/json; charset=ISO-8859-1' }),
  ],
  ['a content encoding nobody knows', 415, posted(service('1'), { ...json, 'Content-Encoding': 'br' })],
];

/** Fails unless a client that reads any body as replies finds none here (HT-5). */
function speaksPlainly({ headers, text }: HttpResponse): void {
  assert.throws(() => JSON.parse(text), 'the error body parses as JSON');
  if (text !== '') assert.match(headers['content-type'] ?? '', /^text\/plain/);
}

async function handshakes(target: Target, request: HttpRequest): Promise<void> {
  const { status, text } = await target.fetch(request);
  assert.equal(status, 200, text);
  succeeded(readBatch(text)[0] ?? {});
}

const handshakeText = (target: Target) => JSON.stringify([handshakeOf(target)]);

export const httpStatus: readonly Check[] = [
  ...refusals.map(([what, status, request]) =>
    check('HT-9', `${what}: ${status}`, 'long-polling', async (target) => {
      const response = await target.fetch(request);
      assert.equal(response.status, status, response.text.slice(0, 200));
      speaksPlainly(response);
      if (status === 405) assert.equal(response.headers.allow, 'GET, POST, OPTIONS');
    }),
  ),

  check('HT-9', 'gzip and deflate are inflated', 'long-polling', async (target) => {
    const text = handshakeText(target);
    await handshakes(target, posted(gzipSync(text), { ...json, 'Content-Encoding': 'gzip' }));
    await handshakes(target, posted(deflateSync(text), { ...json, 'Content-Encoding': 'deflate' }));
    await handshakes(target, posted(text, { ...json, 'Content-Encoding': 'identity' }));
  }),

  check('HT-9', 'a broken content encoding is a malformed request', 'long-polling', async (target) => {
    const bytes = deflateRawSync(handshakeText(target));
    const response = await target.fetch(posted(bytes, { ...json, 'Content-Encoding': 'gzip' }));
    assert.equal(response.status, 400);
    speaksPlainly(response);
  }),

  check('HT-9', 'UTF-8 and US-ASCII are read, however written', 'long-polling', async (target) => {
    for (const charset of ['utf-8', 'UTF-8', '"utf-8"', 'us-ascii']) {
      const type = { 'Content-Type': `application/json; charset=${charset}` };
      await handshakes(target, posted(handshakeText(target), type));
    }
  }),

  check(
    'HT-9',
    'a declared length over the limit is refused before the body comes',
    'long-polling',
    async (target) => {
      const declared = { ...json, 'Content-Length': String(32 * 1024 * 1024) };
      const exchange = target.http({ method: 'POST', headers: declared, unfinished: '[' });
      assert.equal((await exchange.response).status, 413);
    },
  ),

  check(
    'PR-10',
    'a batch with an element that is no object takes no effect',
    'long-polling',
    async (target) => {
      const client = await open(target);
      const name = target.channel('a');
      await client.subscribe(name);
      const good: Message = client.message(name, { data: 1 });
      for (const odd of [1, null, [], 'x', true]) {
        assert.equal((await target.post([good, odd]).response).status, 400);
        assert.equal((await target.post([odd, good]).response).status, 400);
      }
      assert.deepEqual(await client.drain(await openOther(target)), []);
    },
  ),
];
