import assert from 'node:assert/strict';
import { all, type Check, check, requests } from '../check.ts';
import { open, openOther } from '../client.ts';
import { exactly, type Message, refused } from '../message.ts';

export const publish: readonly Check[] = [
  check('PB-1', 'a publish is answered with channel, id and success, no more', all, async (target) => {
    const client = await open(target);
    for (const channel of [target.channel('a'), '/service/x']) {
      const request = client.message(channel, { data: { text: 'hi' } });
      exactly(await client.ask(request), { id: request.id, channel, successful: true });
    }
  }),

  check('PB-2', 'publishing to a pattern is refused', requests, async (target) => {
    const client = await open(target);
    for (const channel of ['/chat/*', '/chat/**', '/*', '/**']) {
      const request = client.message(channel, { data: 1 });
      refused(await client.ask(request), request, `405:${channel}:channel_invalid`);
    }
  }),

  check('PB-2', 'publishing to a meta channel is denied', requests, async (target) => {
    const client = await open(target);
    for (const channel of ['/meta/evil', '/meta/subscribe/x', '/meta/a/b']) {
      const request = client.message(channel, { data: 1 });
      refused(await client.ask(request), request, `403:${channel}:publish_denied`);
    }
  }),

  check('PB-3', 'an unknown session publishes nothing', requests, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    for (const channel of [name, '/service/x']) {
      const request = client.message(channel, { clientId: 'nobody', data: 1 });
      refused(await client.ask(request), request, '402::session_unknown');
    }
    assert.deepEqual(await client.drain(client), []);
  }),

  check('PB-3', 'without a session nothing is published', requests, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const request = { id: target.nextId(), channel: name, data: 1 };
    refused(await client.ask(request), request, '402::session_unknown');
    assert.deepEqual(await client.drain(client), []);
  }),

  check('PB-4', 'a broadcast without data is refused', requests, async (target) => {
    const client = await open(target);
    const request = client.message(target.channel('a'));
    refused(await client.ask(request), request, '400::data_missing');
  }),

  check('PB-4', 'data is any JSON value, null included', all, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const data = [null, 0, false, '', [], {}, -1.5e300, true, 'x', [[null]], { a: { b: [1, { c: null }] } }];
    await client.publishAll(name, data);
    assert.deepEqual(
      await client.take(data.length),
      data.map((one) => ({ channel: name, data: one })),
    );
  }),

  check('PB-4', 'a service publish needs no data', requests, async (target) => {
    const client = await open(target);
    const request = client.message('/service/x');
    exactly(await client.ask(request), { id: request.id, channel: '/service/x', successful: true });
  }),

  check('PB-5', 'the publisher hears itself exactly when it is subscribed', all, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.publish(name, 'too early');
    await client.subscribe(target.channel('*'));
    await client.publish(name, 'heard');
    assert.deepEqual(await client.drain(client), [{ channel: name, data: 'heard' }]);
  }),

  check('PB-7', 'what a Faye client sends again is published once', 'long-polling', async (target) => {
    const name = target.channel('a');
    const listener = await openOther(target);
    await listener.subscribe(name);
    const types = { supportedConnectionTypes: ['long-polling', 'cross-origin-long-polling', 'eventsource'] };
    const faye = await open(target, { handshake: types });
    const request = faye.message(name, { data: { n: [1] } });
    const first = await faye.ask(request);
    assert.deepEqual(await faye.ask(request), first);
    exactly(first, { id: request.id, channel: name, successful: true });
    await faye.ask({ ...request, data: { n: [2] } });
    assert.deepEqual(
      (await listener.drain(faye)).map(({ data }) => data),
      [{ n: [1] }, { n: [2] }],
    );
  }),

  check('PB-7', 'another client that repeats an id is not muted', requests, async (target) => {
    const name = target.channel('a');
    const listener = await openOther(target);
    await listener.subscribe(name);
    const client = await open(target);
    const request = client.message(name, { data: 1 });
    await client.ask(request);
    await client.ask(request);
    assert.equal((await listener.drain(client)).length, 2);
  }),

  check('DL-1', 'overlapping subscriptions deliver an event once', all, async (target) => {
    const client = await open(target);
    const name = target.channel('a/b');
    await client.subscribe([
      name,
      target.channel('a/*'),
      target.channel('a/**'),
      target.channel('**'),
      '/**',
    ]);
    const other = await openOther(target);
    await other.publish(name, 1);
    const events = (await client.drain(other)).filter(({ channel }) => channel === name);
    assert.deepEqual(events, [{ channel: name, data: 1 }]);
  }),

  check('DL-4', 'an event is channel and data, whatever its publisher added', all, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const other = await openOther(target);
    const hostile: Message = {
      advice: { reconnect: 'none' },
      successful: true,
      error: '403::no',
      subscription: '/a',
      connectionType: 'x',
      timestamp: 'now',
      ext: { token: 'secret', ack: 7, auth: 'x', replayId: 1, redelivered: true },
      'com.acme': 1,
      version: '1.0',
    };
    await other.publish(name, { text: 'hi' }, hostile);
    await client.take(1);
    const event = client.link.log.items.find(({ channel }) => channel === name);
    exactly(event, { channel: name, data: { text: 'hi' } });
  }),

  check('DL-5', 'the clientId of a publisher reaches no other client', all, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const other = await openOther(target);
    await other.publish(name, 1);
    await other.call('/meta/disconnect');
    await client.take(1);
    assert(!JSON.stringify(client.link.log.items).includes(String(other.clientId)));
  }),

  check('SV-1', 'a service publish reaches no other session', all, async (target) => {
    const client = await open(target);
    const name = `/service${target.channel('a')}`;
    await client.subscribe([name, target.channel('a'), '/service/**']);
    const other = await openOther(target);
    await other.publish(name, 1);
    assert.deepEqual(await client.drain(other), []);
  }),

  check('SV-2', 'a service nobody listens to succeeds', requests, async (target) => {
    const client = await open(target);
    for (const channel of ['/service/nobody', '/service/a/b/c', '/service']) await client.publish(channel, 1);
  }),
];
