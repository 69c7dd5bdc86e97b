import assert from 'node:assert/strict';
import { type Check, check, requests } from '../check.ts';
import { open, openOther } from '../client.ts';

const count = (length: number, from = 0) => Array.from({ length }, (_, at) => from + at);
const dataOf = (events: readonly { data?: unknown }[]) => events.map(({ data }) => data);

export const batches: readonly Check[] = [
  check('PR-1', 'the messages of a batch are handled and answered in order', requests, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    const batch = [
      client.message('/meta/subscribe', { subscription: name }),
      client.message(name, { data: 1 }),
      client.message('/meta/unsubscribe', { subscription: name }),
      client.message(name, { data: 2 }),
      client.message('/meta/subscribe', { subscription: name }),
      client.message(name, { data: 3 }),
    ];
    const before = client.link.log.items.length;
    await client.batch(...batch);
    const replies = client.link.log.items.slice(before).filter(({ successful }) => successful);
    assert.deepEqual(
      replies.map(({ id }) => id),
      batch.map(({ id }) => id),
    );
    assert.deepEqual(dataOf(await client.drain(client)), [1, 3]);
  }),

  check('PR-2', 'each message of a batch is judged by its own clientId', requests, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const dead = { clientId: 'nobody' };
    const replies = await client.batch(
      client.message(name, { data: 'dead', ...dead }),
      client.message(name, { data: 'live' }),
      client.message('/meta/subscribe', { subscription: '/b', ...dead }),
    );
    const unknown = '402::session_unknown';
    assert.deepEqual(
      replies.map(({ error }) => error),
      [unknown, undefined, unknown],
    );
    assert.deepEqual(dataOf(await client.drain(client)), ['live']);
  }),

  check(
    'PR-3',
    'a response carries the events of its first session alone',
    'long-polling',
    async (target) => {
      const [first, second] = [await open(target), await open(target)];
      await first.subscribe(target.channel('a'));
      await second.subscribe(target.channel('b'));
      const other = await openOther(target);
      await other.publish(target.channel('a'), 'a');
      await other.publish(target.channel('b'), 'b');
      const batch = [first.message('/service/x', { data: 1 }), second.message('/service/x', { data: 1 })];
      const answer = await first.link.send(batch).messages;
      assert.deepEqual(
        answer.map(({ data, id }) => data ?? id),
        ['a', ...batch.map(({ id }) => id)],
      );
      assert.deepEqual(dataOf(await second.take(1)), ['b']);
    },
  ),

  check('PR-3', 'a connect decides whose events a response carries', 'long-polling', async (target) => {
    const [first, second] = [await open(target), await open(target)];
    await first.subscribe(target.channel('a'));
    await second.subscribe(target.channel('b'));
    const other = await openOther(target);
    await other.publish(target.channel('a'), 'a');
    await other.publish(target.channel('b'), 'b');
    const answer = await second.link.send([first.message('/service/x', { data: 1 }), second.connectRequest()])
      .messages;
    assert.deepEqual(dataOf(answer.filter((message) => 'data' in message)), ['b']);
    assert.deepEqual(dataOf(await first.take(1)), ['a']);
  }),

  check('PR-6', 'events come before the replies of their response', 'long-polling', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    await (await openOther(target)).publishAll(name, ['x', 'y']);
    const batch = [
      client.message('/service/a', { data: 1 }),
      client.connectRequest(),
      client.message('/service/b', { data: 1 }),
    ];
    const answer = await client.link.send(batch).messages;
    assert.deepEqual(
      answer.map(({ data, id }) => data ?? id),
      ['x', 'y', ...batch.map(({ id }) => id)],
    );
  }),

  check('PR-12', 'requests sent one after another are handled in that order', 'websocket', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const sent = count(50).map((data) => client.link.send([client.message(name, { data })]));
    await Promise.all(sent.map(({ messages }) => messages));
    assert.deepEqual(dataOf(await client.take(50)), count(50));
  }),

  check(
    'PR-9',
    'a batch of a thousand is handled, one of a thousand and one not at all',
    'long-polling',
    async (target) => {
      const client = await open(target);
      const name = target.channel('a');
      await client.subscribe(name);
      const batch = count(1001).map((data) => client.message(name, { data }));
      assert.equal((await target.post(batch).response).status, 413);
      assert.deepEqual(await client.drain(client), []);
      assert.equal((await client.batch(...batch.slice(1))).length, 1000);
      assert.deepEqual(dataOf(await client.drain(client)), count(1000, 1));
    },
  ),
];
