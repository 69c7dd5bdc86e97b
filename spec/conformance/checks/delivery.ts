import assert from 'node:assert/strict';
import { all, type Check, check, polling } from '../check.ts';
import { open, openOther, resume } from '../client.ts';
import { carries, type Message, readBatch, succeeded } from '../message.ts';

const count = (length: number, from = 0) => Array.from({ length }, (_, at) => from + at);
const dataOf = (events: readonly { data?: unknown }[]) => events.map(({ data }) => data);

export const delivery: readonly Check[] = [
  check('DL-2', 'a thousand events of one publisher arrive in order, once', all, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const other = await openOther(target);
    for (const round of count(10)) await other.publishAll(name, count(100, round * 100));
    assert.deepEqual(dataOf(await client.drain(other)), count(1000));
  }),

  check('DL-2', 'events keep their order while the client connects in between', polling, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const other = await openOther(target);
    const publishing = (async () => {
      for (const round of count(20)) await other.publishAll(name, count(10, round * 10));
    })();
    const got = await client.take(200);
    await publishing;
    assert.deepEqual(dataOf(got), count(200));
  }),

  check(
    'DL-3',
    'a publish carries the publisher’s own event, its connect stays held',
    'long-polling',
    async (target) => {
      const client = await open(target);
      const name = target.channel('chat');
      await client.subscribe(target.channel('*'));
      const held = await client.hold();
      const request = client.message(name, { data: { text: 'hi' } });
      assert.deepEqual(await client.link.send([request]).messages, [
        { channel: name, data: { text: 'hi' } },
        { id: request.id, channel: name, successful: true },
      ]);
      await client.provesHeld(held);
    },
  ),

  check('DL-3', 'any reply carries what is queued', 'long-polling', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    await (await openOther(target)).publish(name, 1);
    carries(await client.link.send([client.message('/service/x', { data: 1 })]).messages, name, 1);
  }),

  check('DL-3', 'only a connect carries events', 'callback-polling', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    await (await openOther(target)).publish(name, 1);
    const { length } = await client.link.send([client.message(name, { data: 2 })]).messages;
    assert.equal(length, 1);
    carries(await client.link.send([client.connectRequest()]).messages, name, 1, 2);
  }),

  check('DL-3', 'the publisher’s own event wakes its held connect', 'callback-polling', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const held = await client.hold();
    const { length } = await client.link.send([client.message(name, { data: 1 })]).messages;
    assert.equal(length, 1);
    carries(await held.messages, name, 1);
  }),

  check('WS-6', 'a socket carries events at once, the connect stays held', 'websocket', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const held = await client.hold();
    await (await openOther(target)).publishAll(name, [1, 2]);
    assert.deepEqual(dataOf(await client.take(2)), [1, 2]);
    await client.provesHeld(held);
  }),

  check('WS-6', 'a socket carries an event before the reply to its publish', 'websocket', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    await client.publish(name, 1);
    assert.deepEqual(
      client.link.log.items.slice(-2).map(({ data, successful }) => data ?? successful),
      [1, true],
    );
  }),

  check('ES-5', 'the stream carries events, POST responses never', 'eventsource', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const [reply, ...more] = await client.link.send([client.message(name, { data: 1 })]).messages;
    succeeded(reply ?? {});
    assert.deepEqual(more, []);
    assert.deepEqual(await client.take(1), [{ channel: name, data: 1 }]);
  }),

  check('WS-10', 'order is kept when a session moves to a socket', 'long-polling', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const other = await openOther(target);
    await other.publishAll(name, count(50));
    const polled = await client.take(50);
    await other.publishAll(name, count(50, 50));
    const moved = await resume(target, client, 'websocket');
    succeeded(await moved.connect({ advice: { timeout: 0 } }));
    await other.publishAll(name, count(50, 100));
    assert.deepEqual(dataOf([...polled, ...(await moved.take(100))]), count(150));
  }),

  check('DL-11', 'what is too much for one response goes with the next', polling, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const other = await openOther(target);
    const big = count(20).map((data) => ({ data, text: 'x'.repeat(60_000) }));
    // Three of them fit a message, whatever the server's limit is.
    for (let at = 0; at < 20; at += 3) await other.publishAll(name, big.slice(at, at + 3));
    let got = 0;
    while (got < 20) {
      const sent = client.link.send([client.connectRequest()]);
      const { length } = (await sent.response)?.text ?? '';
      assert(length > 60_000 && length < 526_000, `${length} bytes in one response`);
      got += (await sent.messages).length - 1;
    }
    assert.deepEqual(
      client.link.inbox.items.map(
        ({ data }) => data && typeof data === 'object' && 'data' in data && data.data,
      ),
      count(20),
    );
  }),

  check(
    'DL-11',
    'a frame of events has at most 64 KiB, unless it has but one',
    'websocket',
    async (target) => {
      const socket = await target.socket();
      const ask = async (message: Message) => {
        socket.send(JSON.stringify([message]));
        return readBatch(await socket.texts.shift())[0] ?? {};
      };
      const { clientId } = await ask({
        channel: '/meta/handshake',
        version: '1.0',
        supportedConnectionTypes: ['websocket'],
      });
      succeeded(await ask({ channel: '/meta/subscribe', clientId, subscription: target.channel('a') }));
      const other = await openOther(target);
      const events = [...count(30).map(() => 'x'.repeat(10_000)), 'y'.repeat(100_000)];
      for (const at of [0, 15, 30]) await other.publishAll(target.channel('a'), events.slice(at, at + 15));
      const sizes: number[] = [];
      for (let got = 0; got < 31; ) {
        const text = await socket.texts.shift();
        const { length } = readBatch(text);
        if (length > 1) assert(text.length <= 65_536, `${text.length} bytes in one frame`);
        sizes.push(text.length);
        got += length;
      }
      assert(sizes.length > 5);
    },
  ),

  check('WS-12', 'a session goes on by polling when its socket is gone', 'websocket', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    (await client.hold()).abort();
    await target.settle();
    const other = await openOther(target);
    await other.publish(name, 1);
    const moved = await resume(target, client, 'long-polling');
    assert.deepEqual(dataOf(await moved.take(1)), [1]);
    await moved.publish(name, 2);
    assert.deepEqual(dataOf(await moved.drain(other)), [2]);
  }),
];
