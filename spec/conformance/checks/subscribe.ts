import assert from 'node:assert/strict';
import { type Check, check, requests } from '../check.ts';
import { open, openOther } from '../client.ts';
import { exactly, type Message, refused, succeeded } from '../message.ts';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

export const subscribe: readonly Check[] = [
  check('SB-1', 'the reply repeats the subscription in the shape it came', requests, async (target) => {
    const client = await open(target);
    const [a, b] = [target.channel('a'), target.channel('b/**')];
    for (const channel of ['/meta/subscribe', '/meta/unsubscribe']) {
      for (const subscription of [a, [a], [a, b]]) {
        const request = client.message(channel, { subscription });
        const { id } = request;
        const expected: Message = { id, channel, clientId: client.clientId, subscription, successful: true };
        exactly(await client.ask(request), expected);
      }
    }
  }),

  check('SB-1', 'an array subscribes to each of its entries', requests, async (target) => {
    const client = await open(target);
    await client.subscribe([target.channel('a'), target.channel('b/*')]);
    const other = await openOther(target);
    for (const name of ['a', 'b/c', 'c']) await other.publish(target.channel(name), name);
    assert.deepEqual(
      (await client.drain(other)).map(({ data }) => data),
      ['a', 'b/c'],
    );
  }),

  check('SB-1', 'a hundred entries are accepted, one more is not', 'long-polling', async (target) => {
    const client = await open(target);
    const subscription = range(0, 100).map((at) => target.channel(`n${at}`));
    await client.subscribe(subscription);
    const { successful, error } = await client.call('/meta/subscribe', {
      subscription: [...subscription, '/a'],
    });
    assert.equal(successful, false);
    assert.match(error ?? '', /^413:\d+:too_many_patterns$/);
  }),

  check('SB-1', 'a session has at most a thousand subscriptions', 'long-polling', async (target) => {
    const client = await open(target);
    for (const ten of range(0, 10)) {
      await client.subscribe(range(ten * 100, ten * 100 + 100).map((at) => target.channel(`n${at}`)));
    }
    const request = client.message('/meta/subscribe', { subscription: target.channel('more') });
    const { subscription } = request;
    refused(await client.ask(request), request, '413:1000:too_many_subscriptions', { subscription });
    await client.subscribe(target.channel('n7'));
  }),

  check('SB-1', 'a missing or empty subscription is refused', requests, async (target) => {
    const client = await open(target);
    for (const channel of ['/meta/subscribe', '/meta/unsubscribe']) {
      const request = client.message(channel);
      refused(await client.ask(request), request, '400::subscription_missing');
      assert.equal((await client.call(channel, { subscription: [] })).error, '400::subscription_missing');
    }
  }),

  check('SB-1', 'a subscription of the wrong type is refused', 'long-polling', async (target) => {
    const client = await open(target);
    for (const subscription of [5, {}, true, [5], [null], [['/a']], ['/a', {}]]) {
      assert.equal((await client.call('/meta/subscribe', { subscription })).successful, false);
    }
  }),

  check('SB-2', 'one bad entry, and nothing of the array takes effect', requests, async (target) => {
    const client = await open(target);
    const subscription = [target.channel('a'), '/a b', target.channel('b'), '/c d'];
    const request = client.message('/meta/subscribe', { subscription });
    refused(await client.ask(request), request, '405:/a b,/c d:channel_invalid', { subscription });
    const other = await openOther(target);
    await other.publish(target.channel('a'), 1);
    await other.publish(target.channel('b'), 1);
    assert.deepEqual(await client.drain(other), []);
  }),

  check('SB-2', 'a meta channel among others refuses them all', requests, async (target) => {
    const client = await open(target);
    const subscription = [target.channel('a'), '/meta/connect'];
    const request = client.message('/meta/subscribe', { subscription });
    refused(await client.ask(request), request, '403:/meta/connect:subscribe_denied', { subscription });
    const other = await openOther(target);
    await other.publish(target.channel('a'), 1);
    assert.deepEqual(await client.drain(other), []);
  }),

  check('SB-3', 'a subscription before the first connect counts', requests, async (target) => {
    const client = await open(target, { connect: false });
    await client.subscribe(target.channel('a'));
    succeeded(await client.connect());
    await (await openOther(target)).publish(target.channel('a'), 1);
    assert.deepEqual(await client.take(1), [{ channel: target.channel('a'), data: 1 }]);
  }),

  check('SB-3', 'a subscription that shares its batch with a connect counts', requests, async (target) => {
    const client = await open(target, { connect: false });
    const request = client.message('/meta/subscribe', { subscription: target.channel('a') });
    for (const reply of await client.batch(client.connectRequest(), request)) succeeded(reply);
    await (await openOther(target)).publish(target.channel('a'), 1);
    assert.deepEqual(await client.take(1), [{ channel: target.channel('a'), data: 1 }]);
  }),

  check('SB-4', 'meta channels and patterns are denied', requests, async (target) => {
    const client = await open(target);
    for (const subscription of ['/meta', '/meta/*', '/meta/**', '/meta/foo', '/meta/connect', '/meta/a/b']) {
      for (const channel of ['/meta/subscribe', '/meta/unsubscribe']) {
        const request = client.message(channel, { subscription });
        refused(await client.ask(request), request, `403:${subscription}:subscribe_denied`, { subscription });
      }
    }
  }),

  check('SB-4', '/** delivers neither meta nor service traffic', requests, async (target) => {
    const client = await open(target);
    await client.subscribe(['/**', '/*']);
    const other = await openOther(target);
    await other.publish('/service/a', target.channel('service'));
    await other.call('/meta/subscribe', { subscription: target.channel('b'), data: target.channel('meta') });
    const events = await client.drain(other);
    assert.deepEqual(
      events.filter(({ channel }) => /^\/(meta|service)/.test(channel ?? '')),
      [],
    );
  }),

  check('SB-5', 'subscribing to a service channel succeeds without effect', requests, async (target) => {
    const client = await open(target);
    const name = `/service${target.channel('a')}`;
    await client.subscribe([name, '/service/*', '/service/**']);
    const other = await openOther(target);
    await other.publish(name, 1);
    await client.publish(name, 1);
    assert.deepEqual(await client.drain(other), []);
    await client.unsubscribe(name);
  }),

  check('SB-6', 'subscribing twice counts once', requests, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    await client.subscribe([name, name]);
    const other = await openOther(target);
    await other.publish(name, 1);
    assert.deepEqual(await client.drain(other), [{ channel: name, data: 1 }]);
    await client.unsubscribe(name);
    await other.publish(name, 2);
    assert.deepEqual(await client.drain(other), []);
  }),

  check(
    'SB-7',
    'a publish later in the same batch is received, an earlier one is not',
    requests,
    async (target) => {
      const client = await open(target);
      const name = target.channel('a');
      await client.batch(
        client.message(name, { data: 'early' }),
        client.message('/meta/subscribe', { subscription: name }),
        client.message(name, { data: 'late' }),
      );
      assert.deepEqual(await client.drain(client), [{ channel: name, data: 'late' }]);
    },
  ),

  check('SB-10', 'an unknown session neither subscribes nor unsubscribes', requests, async (target) => {
    const client = await open(target);
    for (const channel of ['/meta/subscribe', '/meta/unsubscribe']) {
      for (const clientId of ['nobody', undefined]) {
        const request = client.message(channel, { clientId, subscription: target.channel('a') });
        const { subscription } = request;
        refused(await client.ask(request), request, '402::session_unknown', { subscription });
      }
    }
  }),
];
