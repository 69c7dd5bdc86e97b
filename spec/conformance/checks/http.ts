import assert from 'node:assert/strict';
import { type Check, check } from '../check.ts';
import { handshakeOf, open } from '../client.ts';
import type { HttpRequest } from '../http.ts';
import { readBatch, succeeded } from '../message.ts';
import type { Target } from '../target.ts';

const json = { 'Content-Type': 'application/json' };

const posted = (body: string | Buffer, headers: object = json): HttpRequest => ({
  method: 'POST',
  headers: { ...headers },
  body,
});
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

async function handshakes(target: Target, request: HttpRequest): Promise<void> {
  const { status, text } = await target.fetch(request);
  assert.equal(status, 200, text);
  succeeded(readBatch(text)[0] ?? {});
}

const handshakeText = (target: Target) => JSON.stringify([handshakeOf(target)]);

export const http: readonly Check[] = [
  check('HT-1', 'the mount and every path below it are served', 'long-polling', async (target) => {
    for (const path of ['', '/', '/handshake', '/connect', '/disconnect', '/59.0', '/a/b/c/d', '?x=1']) {
      await handshakes(target, { ...posted(handshakeText(target)), path });
    }
  }),

  check('HT-1', 'the suffix never selects behaviour', 'long-polling', async (target) => {
    const client = await open(target);
    const { status, text } = await target.post(
      [client.message('/service/x', { data: 1 })],
      json,
      '/handshake',
    ).response;
    assert.equal(status, 200);
    succeeded(readBatch(text)[0] ?? {});
    await handshakes(target, { ...posted(handshakeText(target)), path: '/disconnect' });
  }),

  check('HT-3', 'a path that only begins like the mount is not the mount', 'long-polling', async (target) => {
    const { status, text } = await target.post(handshakeText(target), json, 'x').response;
    assert(status !== 200 || !text.includes('clientId'), `status ${status}: ${text}`);
  }),

  check('HT-4', 'a batch whose replies all fail has status 200', 'long-polling', async (target) => {
    const { status, text } = await target.post([{ channel: '/a', data: 1 }, {}]).response;
    assert.equal(status, 200);
    assert.deepEqual(
      readBatch(text).map(({ successful }) => successful),
      [false, false],
    );
  }),

  check(
    'HT-6',
    'every response forbids caching, transforming and sniffing',
    'long-polling',
    async (target) => {
      const good = await target.post(handshakeText(target)).response;
      const bad = await target.post('[').response;
      for (const { headers } of [good, bad]) {
        assert.equal(headers['cache-control'], 'no-cache, no-store, no-transform');
        assert.equal(headers['x-content-type-options'], 'nosniff');
      }
    },
  ),

  check('HT-8', 'a reply says its length and is not compressed', 'long-polling', async (target) => {
    const { headers, text } = await target.post(handshakeText(target), {
      ...json,
      'Accept-Encoding': 'gzip, deflate',
    }).response;
    assert.equal(headers['content-length'], String(Buffer.byteLength(text)));
    assert.equal(headers['content-encoding'], undefined);
  }),

  check('PR-9', 'nesting of sixty is fine', 'long-polling', async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    const data: unknown = JSON.parse(nested(55));
    await client.publish(target.channel('a'), data);
    assert.deepEqual(await client.take(1), [{ channel: target.channel('a'), data }]);
  }),
];
