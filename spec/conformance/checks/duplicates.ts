import assert from 'node:assert/strict';
import { type Check, check, polling } from '../check.ts';
import { type Client, open, openOther, resume } from '../client.ts';
import type { HttpResponse } from '../http.ts';
import type { Sent } from '../link.ts';
import { carries, exactly, refused, succeeded } from '../message.ts';
import type { Target } from '../target.ts';

type Held = Sent & { readonly request: object };

async function yielded(held: Held): Promise<void> {
  const { status, text }: Partial<HttpResponse> = (await held.response) ?? {};
  assert.deepEqual({ status, text }, { status: 500, text: '' });
}

/** Publishes to the session and tells what comes out where. */
async function hears(target: Target, client: Client): Promise<void> {
  await (await openOther(target)).publish(target.channel('a'), 1);
  assert.deepEqual(await client.take(1), [{ channel: target.channel('a'), data: 1 }]);
}

export const duplicates: readonly Check[] = [
  check('CN-10', 'a newer connect makes the older one yield with an HTTP error', polling, async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    const older = await client.hold();
    const newer = await client.hold();
    await yielded(older);
    assert(!newer.answered());
    await (await openOther(target)).publish(target.channel('a'), 1);
    carries(await newer.messages, target.channel('a'), 1);
  }),

  check('CN-10', 'the same connect sent again makes the older one yield too', polling, async (target) => {
    const client = await open(target);
    const older = await client.hold();
    const newer = await client.hold({ id: older.request.id });
    await yielded(older);
    await client.provesHeld(newer);
  }),

  check('CN-10', 'a connect with a timeout of 0 makes the held one yield', polling, async (target) => {
    const client = await open(target);
    const older = await client.hold();
    succeeded(await client.connect({ advice: { timeout: 0 } }));
    await yielded(older);
    await client.provesHeld(await client.hold());
  }),

  check(
    'WS-11',
    'a connect on a socket makes the one held over HTTP yield',
    'long-polling',
    async (target) => {
      const client = await open(target);
      await client.subscribe(target.channel('a'));
      const older = await client.hold();
      const moved = await resume(target, client, 'websocket');
      const newer = await moved.hold();
      await yielded(older);
      await hears(target, moved);
      await moved.provesHeld(newer);
    },
  ),

  check(
    'WS-11',
    'a publish on a socket leaves the connect held over HTTP',
    'long-polling',
    async (target) => {
      const client = await open(target);
      await client.subscribe(target.channel('a'));
      const held = await client.hold();
      const socket = await resume(target, client, 'websocket');
      await socket.publish(target.channel('b'), 1);
      assert(!held.answered());
      await (await openOther(target)).publish(target.channel('a'), 1);
      carries(await held.messages, target.channel('a'), 1);
    },
  ),

  check(
    'CN-11',
    'on one socket the older connect is told that it was replaced',
    'websocket',
    async (target) => {
      const client = await open(target);
      const older = await client.hold();
      const newer = await client.hold();
      const [reply] = await older.messages;
      refused(reply, older.request, '409::connect_replaced', { advice: { reconnect: 'retry', interval: 0 } });
      await client.provesHeld(newer);
    },
  ),

  check('CN-11', 'on one socket the same connect sent again gets one reply', 'websocket', async (target) => {
    const client = await open(target);
    const { request } = await client.hold();
    const log = client.link.log.items;
    const before = log.length;
    client.link.send([request]);
    await target.settle();
    succeeded(await client.call('/meta/disconnect'));
    const [connect, disconnect, ...more] = log.slice(before);
    const { id, channel } = request;
    const advice = { reconnect: 'none', interval: 0 };
    exactly(connect, { id, channel, clientId: client.clientId, successful: true, advice });
    assert.equal(disconnect?.channel, '/meta/disconnect');
    assert.deepEqual(more, []);
  }),

  check(
    'CN-11',
    'on another socket the older connect is dropped and its socket detached',
    'websocket',
    async (target) => {
      const client = await open(target);
      await client.subscribe(target.channel('a'));
      const older = await client.hold();
      const moved = await resume(target, client, 'websocket');
      const newer = await moved.hold();
      await hears(target, moved);
      succeeded(await client.call('/service/x', { data: 1 }));
      assert(!older.answered());
      assert.deepEqual(client.link.inbox.items, []);
      await moved.provesHeld(newer);
    },
  ),

  check('CN-11', 'a poll takes the session over from a socket', 'websocket', async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    const older = await client.hold();
    const moved = await resume(target, client, 'long-polling');
    const newer = await moved.hold();
    await (await openOther(target)).publish(target.channel('a'), 1);
    carries(await newer.messages, target.channel('a'), 1);
    succeeded(await client.call('/service/x', { data: 1 }));
    assert(!older.answered());
    assert.deepEqual(client.link.inbox.items, []);
  }),
];
