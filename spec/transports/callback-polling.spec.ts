import { describe, expect, it } from 'vitest';
import { send } from '../http/send.ts';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { client } from './sessions.ts';

const batch = encodeURIComponent(JSON.stringify([{ id: '1', channel: '/meta/disconnect' }]));

/** A script as a page of the server asks for it. */
const get = (url: string, path: string) => send(url, 'GET', path, { 'Sec-Fetch-Site': 'same-origin' });

function call(text: string, callback: string): unknown {
  const prefix = `/**/${callback}(`;
  expect(text.startsWith(prefix) && text.endsWith(');')).toBe(true);
  return JSON.parse(text.slice(prefix.length, -2));
}

describe('callback-polling', () => {
  it('answers by a script', async () => {
    const { url } = await start();
    const response = await get(url, `/disconnect?jsonp=_cometd_jsonp_0&message=${batch}`);
    expect(response.status).toBe(200);
    expect(response.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'content-disposition': 'attachment; filename=f.txt',
      'cache-control': 'no-cache, no-store, no-transform',
      'x-content-type-options': 'nosniff',
    });
    expect(call(response.text, '_cometd_jsonp_0')).toMatchObject([{ id: '1', successful: false }]);
  });

  it('takes several messages from a query', async () => {
    const { url } = await start();
    const response = await get(url, `?message=${batch}&jsonp=f&message={"channel":"/meta/connect","id":2}`);
    expect(call(response.text, 'f')).toMatchObject([{ id: '1' }, { id: 2 }]);
  });

  it.each(['f', '$', '_x', '__jsonp1__', 'a.b.$c', 'x'.repeat(64)])('calls %s', async (name) => {
    const { url } = await start();
    const response = await get(url, `?jsonp=${name}&message=${batch}`);
    expect(response.text.startsWith(`/**/${name}(`)).toBe(true);
  });

  const illegal = [
    '',
    '1a',
    'a-b',
    'a.',
    '.a',
    'a..b',
    'a[0]',
    'a()',
    'alert(1)//',
    'é',
    'x'.repeat(65),
    'a%0Ab',
    'a b',
  ];
  it.each(illegal)('does not call %j', async (name) => {
    const { url } = await start();
    const response = await get(url, `?jsonp=${encodeURI(name)}&message=${batch}`);
    expect([response.status, response.headers['content-type']]).toEqual([400, 'text/plain; charset=utf-8']);
  });

  it('calls jsonpcallback where no name is given, and one in another parameter where that is configured', async () => {
    const plain = await start();
    expect((await get(plain.url, `?message=${batch}`)).text.startsWith('/**/jsonpcallback([')).toBe(true);
    const { url } = await start({ callbackPolling: { parameter: 'callback', maxLength: 3 } });
    expect((await get(url, `?callback=abc&jsonp=x&message=${batch}`)).text.startsWith('/**/abc([')).toBe(
      true,
    );
    expect((await get(url, `?callback=abcd&message=${batch}`)).status).toBe(400);
  });

  it('writes what could end or break a script as escapes', async () => {
    const { url } = await start();
    const alice = await client(url, { transport: 'callback-polling' });
    await alice.subscribe('/html');
    const data = '</script><!--\u2028\u2029';
    await alice.publish('/html', data);
    const path = `?jsonp=f&message=${encodeURIComponent(JSON.stringify(alice.connectRequest()))}`;
    const { text } = await get(url, path);
    expect(text).not.toMatch(/[<\u2028\u2029]/);
    expect(call(text, 'f')).toMatchObject([{ channel: '/html', data }, { channel: '/meta/connect' }]);
  });

  it('brings events with connect replies only, and is woken by them', async () => {
    const { server, url } = await start();
    const alice = await client(url, { transport: 'callback-polling' });
    await alice.subscribe('/news');
    const held = await alice.hold();
    const published = alice.link.send([alice.message('/news', { data: 1 })]);
    expect(await published.messages).toHaveLength(1);
    expect(await held.messages).toMatchObject([{ data: 1 }, { channel: '/meta/connect', successful: true }]);
    expect(server.usage.browsers).toBe(0);
  });

  it('loses nothing when a held poll is cut', async () => {
    const { server, clock, url } = await start();
    const alice = await client(url, { transport: 'callback-polling' });
    await alice.subscribe('/news');
    const held = await alice.hold();
    held.abort();
    const [session] = server.sessions;
    await until(() => session?.state === 'idle');
    expect(server.usage.browsers).toBe(0);
    await server.publish('/news', 'a');
    await server.publish('/news', 'b');
    expect(await alice.take(2)).toMatchObject([{ data: 'a' }, { data: 'b' }]);
    await clock.tick(15_000);
    expect([server.sessions.size, clock.pending]).toEqual([0, 0]);
  });

  it('takes a request line of 8 KiB', async () => {
    const { url } = await start();
    const message = JSON.stringify([{ id: '1', channel: '/meta/disconnect', x: 'x'.repeat(8000) }]);
    const { status } = await get(url, `?message=${encodeURIComponent(message)}`);
    expect(status).toBe(200);
  });
});
