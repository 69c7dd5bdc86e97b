import assert from 'node:assert/strict';
import { type Check, check } from '../check.ts';
import { type Client, handshakeOf, open, openOther } from '../client.ts';
import type { HttpResponse } from '../http.ts';
import type { Target } from '../target.ts';

const foreign = 'http://evil.test';
const preflight = {
  'Access-Control-Request-Method': 'POST',
  'Access-Control-Request-Headers': 'content-type, pragma, x-custom',
};

const json = { 'Content-Type': 'application/json' };
const listed = (text: string | undefined) =>
  (text ?? '')
    .toLowerCase()
    .split(/\s*,\s*/)
    .sort();

/** Publishes with the given headers, and fails unless that is refused and nobody hears of it. */
async function refuses(target: Target, publish: (from: Client) => Promise<HttpResponse>): Promise<void> {
  const client = await open(target, { transport: 'long-polling' });
  const other = await openOther(target);
  await client.subscribe(target.channel('a'));
  const { status, text, headers } = await publish(other);
  assert.equal(status, 403);
  assert.throws(() => JSON.parse(text));
  assert.equal(headers['access-control-allow-origin'], undefined);
  assert.deepEqual(await client.drain(other), []);
}

const posting = (target: Target, headers: Record<string, string>) => (from: Client) =>
  target.post([from.message(target.channel('a'), { data: 1 })], { ...json, ...headers }).response;

const scripting = (target: Target, headers: Record<string, string>) => (from: Client) =>
  target.jsonp([from.message(target.channel('a'), { data: 1 })], headers).response;

export const origins: readonly Check[] = [
  check(
    'CO-1',
    'an allowed origin is named with credentials, and no other',
    'long-polling',
    async (target) => {
      const { origin } = target.url;
      const { status, headers } = await target.post([handshakeOf(target)], { ...json, Origin: origin })
        .response;
      assert.equal(status, 200);
      assert.equal(headers['access-control-allow-origin'], origin);
      assert.equal(headers['access-control-allow-credentials'], 'true');
      assert(listed(headers.vary).includes('origin'));
    },
  ),

  check('CO-2', 'a POST of a foreign origin is refused and not executed', 'long-polling', async (target) => {
    await refuses(target, posting(target, { Origin: foreign }));
    await refuses(target, posting(target, { Origin: foreign, 'Content-Type': 'text/plain' }));
  }),

  check('CO-2', 'the origin null is refused', 'long-polling', async (target) => {
    await refuses(target, posting(target, { Origin: 'null' }));
  }),

  check('CO-2', 'another port or a longer name is another origin', 'long-polling', async (target) => {
    const { origin, port } = target.url;
    for (const other of [
      `${origin}.evil.test`,
      origin.replace(port, '1'),
      `http://evil.test:${port}`,
      'garbage',
    ]) {
      await refuses(target, posting(target, { Origin: other }));
    }
  }),

  check('CO-2', 'no origin is no browser of elsewhere', 'long-polling', async (target) => {
    const { status, headers } = await target.post([handshakeOf(target)]).response;
    assert.equal(status, 200);
    assert.equal(headers['access-control-allow-origin'], undefined);
  }),

  check('CO-2', 'X-Forwarded-Host is believed of nobody', 'long-polling', async (target) => {
    await refuses(target, posting(target, { Origin: foreign, 'X-Forwarded-Host': 'evil.test' }));
  }),

  check('CO-2', 'callback-polling of a foreign origin is refused', 'callback-polling', async (target) => {
    await refuses(target, scripting(target, { Origin: foreign }));
  }),

  check('CO-2', 'an event stream of a foreign origin is refused', 'eventsource', async (target) => {
    const client = await open(target);
    const { status } = await target.stream(client.clientId, { Origin: foreign });
    assert.equal(status, 403);
  }),

  check('CO-2', 'the own origin opens an event stream', 'eventsource', async (target) => {
    const client = await open(target);
    const { origin } = target.url;
    const { status, headers } = await target.stream(client.clientId, { Origin: origin });
    assert.equal(status, 200);
    assert.equal(headers['access-control-allow-origin'], origin);
  }),

  check('WS-2', 'an upgrade of a foreign origin is refused', 'websocket', async (target) => {
    for (const origin of [foreign, 'null'])
      assert.equal((await target.upgrade('', { Origin: origin })).status, 403);
  }),

  check('WS-2', 'an upgrade of the own origin is accepted', 'websocket', async (target) => {
    assert.equal((await target.upgrade('', { Origin: target.url.origin })).status, 101);
  }),

  check('CO-3', 'without an origin the referer stands in', 'callback-polling', async (target) => {
    await refuses(target, scripting(target, { Referer: `${foreign}/page?x=1` }));
    const own = { Referer: `${target.url.origin}/page`, 'Sec-Fetch-Site': 'same-origin' };
    assert.equal((await target.jsonp([handshakeOf(target)], own).response).status, 200);
  }),

  check(
    'CO-3',
    'without either the browser’s word on the site decides',
    'callback-polling',
    async (target) => {
      await refuses(target, scripting(target, { 'Sec-Fetch-Site': 'cross-site' }));
      await refuses(target, scripting(target, { 'Sec-Fetch-Site': 'same-site' }));
      for (const site of ['same-origin', 'none']) {
        const { status } = await target.jsonp([handshakeOf(target)], { 'Sec-Fetch-Site': site }).response;
        assert.equal(status, 200, site);
      }
    },
  ),

  check('CO-3', 'a script for nobody knows which page is refused', 'callback-polling', async (target) => {
    await refuses(target, (from) => {
      const message = encodeURIComponent(JSON.stringify(from.message(target.channel('a'), { data: 1 })));
      return target.fetch({ path: `?jsonp=answer&message=${message}` });
    });
  }),

  check('CO-3', 'an event stream for nobody knows which page is opened', 'eventsource', async (target) => {
    const client = await open(target);
    assert.equal((await target.stream(client.clientId)).status, 200);
  }),

  check('CO-3', 'an event stream is judged by referer and site too', 'eventsource', async (target) => {
    const client = await open(target);
    for (const headers of [{ Referer: `${foreign}/` }, { 'Sec-Fetch-Site': 'cross-site' }]) {
      assert.equal((await target.stream(client.clientId, headers)).status, 403);
    }
  }),

  check('CO-4', 'a preflight of an allowed origin is granted', 'long-polling', async (target) => {
    const { origin } = target.url;
    const request = { method: 'OPTIONS', headers: { ...preflight, Origin: origin } };
    const { status, headers, text } = await target.fetch({ ...request, path: '/handshake' });
    assert.deepEqual([status, text], [200, '']);
    assert.equal(headers['access-control-allow-origin'], origin);
    assert.equal(headers['access-control-allow-credentials'], 'true');
    assert.deepEqual(listed(headers['access-control-allow-methods']), ['get', 'post']);
    assert.equal(headers['access-control-max-age'], '86400');
    const granted = listed(headers['access-control-allow-headers']);
    for (const name of [
      'accept',
      'authorization',
      'content-type',
      'pragma',
      'x-requested-with',
      'x-custom',
    ]) {
      assert(granted.includes(name), `${name} is not among ${granted}`);
    }
  }),

  check('CO-4', 'a preflight of a foreign origin is refused', 'long-polling', async (target) => {
    for (const origin of [foreign, 'null']) {
      const { status, headers } = await target.fetch({
        method: 'OPTIONS',
        headers: { ...preflight, Origin: origin },
      });
      assert.equal(status, 403);
      assert(!Object.keys(headers).some((name) => name.startsWith('access-control-')));
    }
  }),
];
