import assert from 'node:assert/strict';
import { type Check, check } from '../check.ts';
import { handshakeOf, open, openOther } from '../client.ts';
import { readBatch, succeeded } from '../message.ts';
import type { Target } from '../target.ts';

const legal = ['_cometd_jsonp_0', '__jsonp1__', '$', '_', 'a.b.c', '$x._y.Z9', 'x'.repeat(64)];
const illegal = [
  'a-b',
  '1a',
  'a..b',
  '.a',
  'a.',
  'a(b',
  'alert(1)//',
  'a;b',
  'a b',
  'é',
  '<a>',
  'x'.repeat(65),
  'a.1b',
  'a\nb',
];

const asked = (target: Target, ...query: string[]) => target.jsonp([handshakeOf(target)], {}, query).response;

const field = (value: unknown) => `message=${encodeURIComponent(JSON.stringify(value))}`;

/** The batch that a response hands to the function `name`, exactly as the protocol has it. */
function handedTo(name: string, text: string): string {
  const [before, after] = [`/**/${name}(`, ');'];
  assert(text.startsWith(before) && text.endsWith(after), text.slice(0, 100));
  return text.slice(before.length, -after.length);
}

export const callbackPolling: readonly Check[] = [
  check('CP-1', 'the function is called jsonpcallback unless named', 'callback-polling', async (target) => {
    const { status, text } = await asked(target);
    assert.equal(status, 200);
    succeeded(readBatch(handedTo('jsonpcallback', text))[0] ?? {});
  }),

  check('CP-1', 'messages may come in several parameters', 'callback-polling', async (target) => {
    const client = await open(target);
    const [a, b, c] = [
      client.message('/service/a', { data: 1 }),
      client.message('/service/b', { data: 1 }),
      client.message('/service/c', { data: 1 }),
    ];
    const path = `?${field(a)}&jsonp=f&${field([b, c])}`;
    const { text } = await target.script(path).response;
    assert.deepEqual(
      readBatch(handedTo('f', text)).map(({ id, successful }) => [id, successful]),
      [a, b, c].map(({ id }) => [id, true]),
    );
  }),

  check('CP-1', 'the path below the mount does not matter', 'callback-polling', async (target) => {
    for (const path of ['/', '/handshake', '/connect']) {
      const { status, text } = await target.script(`${path}?jsonp=f&${field([handshakeOf(target)])}`)
        .response;
      assert.equal(status, 200);
      succeeded(readBatch(handedTo('f', text))[0] ?? {});
    }
  }),

  check('CP-2', 'any path of identifiers names a function', 'callback-polling', async (target) => {
    for (const name of legal) {
      const { status, text } = await asked(target, `jsonp=${encodeURIComponent(name)}`);
      assert.equal(status, 200, name);
      handedTo(name, text);
    }
  }),

  check('CP-2', 'any other name is refused, and nothing done', 'callback-polling', async (target) => {
    for (const name of illegal) {
      const { status, text, headers } = await asked(target, `jsonp=${encodeURIComponent(name)}`);
      assert.equal(status, 400, name);
      assert(!text.includes('clientId') && !/javascript/.test(headers['content-type'] ?? ''));
      assert.throws(() => JSON.parse(text));
    }
  }),

  check(
    'CP-3',
    'the response is a script that nothing else takes for its own',
    'callback-polling',
    async (target) => {
      const { headers } = await asked(target, 'jsonp=f');
      assert.equal(headers['content-type'], 'text/javascript; charset=utf-8');
      assert.equal(headers['content-disposition'], 'attachment; filename=f.txt');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['cache-control'], 'no-cache, no-store, no-transform');
    },
  ),

  check('CP-4', 'what a script or a page could misread is escaped', 'callback-polling', async (target) => {
    const client = await open(target);
    const data = 'a\u2028b\u2029c</script><!--\u2028';
    await client.subscribe(target.channel('a'));
    await (await openOther(target)).publish(target.channel('a'), data);
    const { text } = await target.jsonp([client.connectRequest()]).response;
    assert(!/[\u2028\u2029<]/.test(text));
    assert(text.includes('\\u2028b\\u2029c\\u003c/script>\\u003c!--'), text);
    assert.equal(readBatch(handedTo('answer', text))[0]?.data, data);
  }),

  check('CP-5', 'subscribe and service replies carry no events', 'callback-polling', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    await (await openOther(target)).publish(name, 1);
    for (const channel of ['/service/x', '/meta/subscribe']) {
      const answer = await client.link.send([client.message(channel, { subscription: name })]).messages;
      assert.equal(answer.length, 1);
    }
    assert.deepEqual(await client.take(1), [{ channel: name, data: 1 }]);
  }),

  check('CP-6', 'a failure is a plain HTTP error and no script', 'callback-polling', async (target) => {
    for (const query of ['message=%5B', 'message=', 'message=1', 'message=%5B1%5D', 'x=1']) {
      const { status, text, headers } = await target.script(`?jsonp=f&${query}`).response;
      assert.equal(status, 400, query);
      assert(!text.includes('f(') && !/javascript/.test(headers['content-type'] ?? ''));
    }
  }),

  check('CP-8', 'a request line of 8 KiB is read', 'callback-polling', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const data = 'x'.repeat(7_500);
    await client.publish(name, data);
    assert.deepEqual(await client.take(1), [{ channel: name, data }]);
  }),
];
