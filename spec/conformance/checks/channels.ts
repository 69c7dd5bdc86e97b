import assert from 'node:assert/strict';
import { type Check, check } from '../check.ts';
import { type Client, open, openOther } from '../client.ts';
import { refused, succeeded } from '../message.ts';
import type { Target } from '../target.ts';

/** The legality table, for the strict grammar; an unrefusable character leaves the arg empty (ERR-3). */
const names = [
  '/foo',
  '/foo/Bar-1',
  '/a!~($@)_',
  '/__proto__',
  '/constructor/prototype',
  '/metadata',
  '/services/x',
];
const patterns = ['/*', '/**', '/foo/*', '/foo/**', '/__proto__/**'];
const slashes = ['foo', '', '/', '//', '/foo/', '/foo//bar'];
const wildcards = ['/foo/*/bar', '/**/bar', '/foo*', '/foo/b*r', '/foo/***', '/*foo', '/foo/**/bar'];
const cometdOnly = ['/foo.bar', '/foo bar', '/a#b', '/a+b', '/{id}'];
const never = [
  '/foo?x=1',
  '/foo,bar',
  '/foo:bar',
  '/fôo',
  '/a%20b',
  '/<b>',
  '/a\nb',
  '/a"b',
  '/a\\b',
  '/a\u0000',
];

const argOf = (text: string) => (/^[A-Za-z0-9\-_!~()$@ /*.]*$/.test(text) ? text : '');

async function refusesAll(target: Target, texts: readonly string[]): Promise<void> {
  const client = await open(target);
  for (const text of texts) {
    const subscribe = client.message('/meta/subscribe', { subscription: text });
    const error = `405:${argOf(text)}:channel_invalid`;
    refused(await client.ask(subscribe), subscribe, error, { subscription: text });
    const publish = client.message(text, { data: 1 });
    refused(await client.ask(publish), publish, error);
  }
}

/** Subscribes to a pattern, or several, and tells which of the channels it hears. */
async function heard(
  client: Client,
  pattern: string | readonly string[],
  channels: readonly string[],
): Promise<unknown[]> {
  const subscribe = client.message('/meta/subscribe', { subscription: pattern });
  const publishes = channels.map((channel) => client.message(channel, { data: channel }));
  for (const reply of await client.batch(subscribe, ...publishes)) succeeded(reply);
  const events = await client.drain(client);
  await client.unsubscribe(pattern);
  return events.filter(({ channel = '' }) => channels.includes(channel)).map(({ channel }) => channel);
}

export const channels: readonly Check[] = [
  check('CH-1', 'legal names are subscribed and published to', 'long-polling', async (target) => {
    const client = await open(target);
    const own = names.map((name) => `${target.channel('n')}${name}`);
    for (const name of own) assert.deepEqual(await heard(client, name, own), [name]);
    await client.subscribe(names);
  }),

  check('CH-1', 'names are case-sensitive and never normalised', 'long-polling', async (target) => {
    const client = await open(target);
    const name = target.channel('Foo');
    assert.deepEqual(await heard(client, name, [target.channel('foo'), target.channel('FOO'), name]), [name]);
  }),

  check('CH-1', 'missing, empty and trailing segments are refused', 'long-polling', (target) =>
    refusesAll(target, slashes),
  ),

  check('CH-2', 'a wildcard is refused anywhere but as the last segment', 'long-polling', (target) =>
    refusesAll(target, wildcards),
  ),

  check('CH-2', 'legal patterns are subscribed to', 'long-polling', async (target) => {
    const client = await open(target);
    await client.subscribe(patterns);
  }),

  check('CH-3', '/a/* matches exactly one more segment', 'long-polling', async (target) => {
    const a = target.channel('a');
    const got = await heard(await open(target), `${a}/*`, [a, `${a}/b`, `${a}/b/c`, `${a}b/c`, `${a}/d`]);
    assert.deepEqual(got, [`${a}/b`, `${a}/d`]);
  }),

  check('CH-3', '/a/** matches one or more segments', 'long-polling', async (target) => {
    const a = target.channel('a');
    const got = await heard(await open(target), `${a}/**`, [a, `${a}/b`, `${a}/b/c/d`, `${a}b/c`]);
    assert.deepEqual(got, [`${a}/b`, `${a}/b/c/d`]);
  }),

  check('CH-3', '/* and /** match from the root', 'long-polling', async (target) => {
    const client = await open(target);
    const one = target.channel('').slice(0, -1);
    assert.deepEqual(await heard(client, '/*', [one, `${one}/b`]), [one]);
    assert.deepEqual(await heard(client, '/**', [one, `${one}/b`]), [one, `${one}/b`]);
  }),

  check('CH-3', 'a name is matched by its five keys and no others', 'long-polling', async (target) => {
    const client = await open(target);
    const root = target.channel('r');
    const name = `${root}/b/c`;
    for (const key of [name, `${root}/b/*`, `${root}/b/**`, `${root}/**`, '/**']) {
      assert.deepEqual(await heard(client, key, [name]), [name], key);
    }
    const others = [root, `${root}/b`, `${root}/*`, `${name}/*`, `${name}/**`, '/*', `${root}/c/*`];
    assert.deepEqual(await heard(client, others, [name]), []);
  }),

  check('CH-5', 'names of the wider CometD grammar are refused', 'long-polling', (target) =>
    refusesAll(target, cometdOnly),
  ),

  check('CH-5', 'names of no grammar are refused', 'long-polling', (target) => refusesAll(target, never)),

  check('CH-6', '/metadata and /services are broadcast channels', 'long-polling', async (target) => {
    const client = await open(target);
    const one = target.channel('x').slice(1).replace('/', '-');
    const own = [`/metadata/${one}`, `/services/${one}`, `/metas-${one}`, `/service-${one}`];
    assert.deepEqual(await heard(client, '/**', own), own);
  }),

  check('CH-6', '/meta and /service alone are of the reserved kinds', 'long-polling', async (target) => {
    const client = await open(target);
    const publish = client.message('/meta', { data: 1 });
    refused(await client.ask(publish), publish, '403:/meta:publish_denied');
    assert.deepEqual(await heard(client, '/**', ['/service']), []);
    assert.deepEqual(await heard(client, '/*', ['/service']), []);
  }),

  check(
    'CH-7',
    'what only begins like a meta channel is none of the five',
    'long-polling',
    async (target) => {
      const client = await open(target);
      const subscription = target.channel('a');
      for (const channel of [
        '/meta/subscribe/x',
        '/meta/handshake/x',
        '/meta/connect/',
        '/meta/Subscribe',
        '/meta/x',
      ]) {
        const request = client.message(channel, { subscription, data: 1 });
        const error = channel.endsWith('/')
          ? `405:${channel}:channel_invalid`
          : `403:${channel}:publish_denied`;
        refused(await client.ask(request), request, error);
      }
      const other = await openOther(target);
      await other.publish(subscription, 1);
      assert.deepEqual(await client.drain(other), []);
    },
  ),

  check('CH-8', 'a channel has at most 255 characters', 'long-polling', async (target) => {
    const client = await open(target);
    const name = `${target.channel('a')}/`.padEnd(255, 'x');
    assert.deepEqual(await heard(client, name, [name]), [name]);
    const request = client.message(`${name}x`, { data: 1 });
    refused(await client.ask(request), request, '405::channel_invalid');
  }),

  check('CH-8', 'a channel has at most 16 segments', 'long-polling', async (target) => {
    const client = await open(target);
    const name = `${target.channel('a')}${'/b'.repeat(14)}`;
    assert.deepEqual(await heard(client, name, [name]), [name]);
    const request = client.message(`${name}/b`, { data: 1 });
    refused(await client.ask(request), request, `405:${name}/b:channel_invalid`);
  }),

  check('CH-9', 'names of object properties are channels like any other', 'long-polling', async (target) => {
    const client = await open(target);
    const root = target.channel('__proto__');
    const own = [root, `${root}/constructor`, `${root}/toString`, `${root}/hasOwnProperty/__proto__`];
    for (const name of own) assert.deepEqual(await heard(client, name, own), [name]);
    assert.deepEqual(await heard(client, `${root}/*`, own), own.slice(1, 3));
  }),
];
