import assert from 'node:assert/strict';
import { type Check, check, polling, requests } from '../check.ts';
import { open, openOther } from '../client.ts';
import { WebSocketLink } from '../link.ts';
import { exactly, type Message, readBatch, refused } from '../message.ts';

export const disconnect: readonly Check[] = [
  check('DC-1', 'a disconnect ends the session, its id is dead', requests, async (target) => {
    const client = await open(target);
    const request = client.message('/meta/disconnect');
    const { id, channel } = request;
    exactly(await client.ask(request), { id, channel, clientId: client.clientId, successful: true });
    const link = await open(target);
    const { clientId } = client;
    for (const dead of ['/meta/connect', '/meta/subscribe', '/meta/disconnect', target.channel('a')]) {
      const reply = await link.call(dead, { clientId, subscription: target.channel('a'), data: 1 });
      assert.equal(reply.error, '402::session_unknown', dead);
    }
  }),

  check('DC-2', 'the held connect is answered with its own response', polling, async (target) => {
    const client = await open(target);
    const held = await client.hold();
    const [reply, ...more] = await client.link.send([client.message('/meta/disconnect')]).messages;
    assert.equal(reply?.channel, '/meta/disconnect');
    assert.deepEqual(more, []);
    assert.deepEqual(
      (await held.messages).map(({ channel }) => channel),
      ['/meta/connect'],
    );
  }),

  check(
    'DC-2',
    'on a socket the held connect is answered before the disconnect',
    'websocket',
    async (target) => {
      const client = await open(target);
      const { request } = await client.hold();
      const bye = client.message('/meta/disconnect');
      await client.ask(bye);
      const [connect, reply] = client.link.log.items.slice(-2);
      const { clientId } = client;
      const advice = { reconnect: 'none', interval: 0 };
      exactly(connect, { id: request.id, channel: '/meta/connect', clientId, successful: true, advice });
      exactly(reply, { id: bye.id, channel: '/meta/disconnect', clientId, successful: true });
    },
  ),

  check('DC-3', 'the server closes the socket of a client that does not', 'websocket', async (target) => {
    const client = await open(target);
    await client.call('/meta/disconnect');
    assert(client.link instanceof WebSocketLink);
    assert.equal(await client.link.socket.closed, 1000);
  }),

  check('DC-3', 'an event stream is ended at once', 'eventsource', async (target) => {
    const client = await open(target);
    await client.call('/meta/disconnect');
    assert(client.stream);
    await client.stream.ended;
  }),

  check('DC-4', 'what was queued leaves with the disconnect or never', polling, async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    const other = await openOther(target);
    await other.publish(target.channel('a'), 'before');
    const answer = await client.link.send([client.message('/meta/disconnect')]).messages;
    assert.equal(answer.at(-1)?.successful, true);
    await other.publish(target.channel('a'), 'after');
    const { error } = await client.connect();
    assert.equal(error, '402::session_unknown');
    assert(!client.link.log.items.some(({ data }) => data === 'after'));
  }),

  check('DC-5', 'disconnecting an unknown session fails without advice', requests, async (target) => {
    const client = await open(target);
    for (const clientId of ['nobody', undefined]) {
      const request = client.message('/meta/disconnect', { clientId });
      refused(await client.ask(request), request, '402::session_unknown');
    }
  }),

  check('DC-1', 'a disconnect in a batch is the last that succeeds', 'long-polling', async (target) => {
    const client = await open(target);
    const batch: Message[] = [
      client.message(target.channel('a'), { data: 1 }),
      client.message('/meta/disconnect'),
      client.message(target.channel('a'), { data: 2 }),
    ];
    const { status, text } = await target.post(batch).response;
    assert.equal(status, 200);
    assert.deepEqual(
      readBatch(text).map(({ successful, error }) => error ?? successful),
      [true, true, '402::session_unknown'],
    );
  }),
];
