import assert from 'node:assert/strict';
import { type Check, check } from '../check.ts';
import { Client, open, openOther, resume, shake } from '../client.ts';
import { openLink } from '../link.ts';
import { succeeded } from '../message.ts';

const dataOf = (events: readonly { data?: unknown }[]) => events.map(({ data }) => data);

export const binding: readonly Check[] = [
  check('WS-8', 'a message on a second socket does not move the session', 'websocket', async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    const held = await client.hold();
    const second = await resume(target, client, 'websocket');
    await second.publish(target.channel('a'), 1);
    assert.deepEqual(dataOf(await client.take(1)), [1]);
    await second.publish(target.channel('b'), 1);
    assert.deepEqual(second.link.inbox.items, []);
    await client.provesHeld(held);
  }),

  check('WS-8', 'a connect of another session takes a socket over', 'websocket', async (target) => {
    const [first, second] = [await open(target), await open(target)];
    await first.subscribe(target.channel('first'));
    await second.subscribe(target.channel('second'));
    const moved = new Client(target, first.link, second.clientId);
    succeeded(await moved.connect({ advice: { timeout: 0 } }));
    const other = await openOther(target);
    await other.publish(target.channel('first'), 1);
    await other.publish(target.channel('second'), 2);
    assert.deepEqual(dataOf(await moved.drain(other)), [2]);
    assert.deepEqual(second.link.inbox.items, []);
    const returned = await resume(target, first, 'long-polling');
    assert.deepEqual(dataOf(await returned.take(1)), [1]);
  }),

  check(
    'WS-9',
    'a message for another live session is done and moves nothing',
    'websocket',
    async (target) => {
      const [first, second] = [await open(target), await open(target)];
      await first.subscribe(target.channel('first'));
      const subscription = target.channel('second');
      const [reply] = await first.link.send([second.message('/meta/subscribe', { subscription })]).messages;
      succeeded(reply ?? {});
      const other = await openOther(target);
      await other.publish(subscription, 2);
      await other.publish(target.channel('first'), 1);
      assert.deepEqual(dataOf(await second.take(1)), [2]);
      assert.deepEqual(dataOf(await first.drain(other)), [1]);
    },
  ),

  check(
    'WS-10',
    'a connect binds a polled session to its socket, its queue follows',
    'long-polling',
    async (target) => {
      const client = await open(target);
      await client.subscribe(target.channel('a'));
      const other = await openOther(target);
      await other.publishAll(target.channel('a'), [1, 2]);
      const moved = await resume(target, client, 'websocket');
      const held = await moved.hold();
      assert.deepEqual(dataOf(await moved.take(2)), [1, 2]);
      await other.publish(target.channel('a'), 3);
      assert.deepEqual(dataOf(await moved.take(1)), [3]);
      await moved.provesHeld(held);
    },
  ),

  check('WS-10', 'any message binds a session that is held nowhere', 'long-polling', async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    await (await openOther(target)).publishAll(target.channel('a'), [1, 2]);
    const moved = await resume(target, client, 'websocket');
    await moved.publish(target.channel('b'), 0);
    assert.deepEqual(dataOf(await moved.take(2)), [1, 2]);
  }),

  check('WS-13', 'a socket that is silent at first may handshake later', 'websocket', async (target) => {
    const link = await openLink(target, 'websocket');
    await target.settle();
    await shake(target, link);
  }),
];
