import assert from 'node:assert/strict';
import { type Check, check, requests } from '../check.ts';
import { handshakeOf, open, openOther } from '../client.ts';
import { openLink } from '../link.ts';
import { exactly, readBatch, succeeded } from '../message.ts';

const { MAX_SAFE_INTEGER } = Number;
const ids = [
  '7',
  7,
  0,
  '',
  '0',
  -1.5,
  MAX_SAFE_INTEGER,
  '0f8fad5b-d9cb-469f-a165-70867728950e',
  'x'.repeat(128),
];

export const messages: readonly Check[] = [
  check('MSG-2', 'a bare object is a batch of one', requests, async (target) => {
    const link = await openLink(target, target.transport);
    const answer = await link.send(handshakeOf(target)).messages;
    assert.equal(answer.length, 1);
    succeeded(answer[0] ?? {});
  }),

  check(
    'MSG-5',
    'each request gets one reply with its channel, its id and a boolean',
    requests,
    async (target) => {
      const client = await open(target);
      const name = target.channel('a');
      const batch = [
        client.message('/meta/subscribe', { subscription: name }),
        client.message(name, { data: 1 }),
        client.message('/meta/evil', { data: 1 }),
        client.message('/service/nobody', { data: 1 }),
        client.message('/meta/unsubscribe', { subscription: name }),
      ];
      const replies = await client.batch(...batch);
      const facts = replies.map(({ id, channel, successful }) => ({ id, channel, successful }));
      const told = batch.map(({ id, channel }) => ({ id, channel, successful: channel !== '/meta/evil' }));
      assert.deepEqual(facts, told);
    },
  ),

  check('MSG-5', 'a request without an id gets a reply without one', requests, async (target) => {
    const client = await open(target);
    const [reply] = await client.batch({ channel: '/service/x', clientId: client.clientId, data: 1 });
    exactly(reply, { channel: '/service/x', successful: true });
  }),

  check('MSG-6', 'no reply carries data', requests, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    const replies = await client.batch(
      client.message(name, { data: { secret: 1 } }),
      client.message('/meta/subscribe', { subscription: name, data: 1 }),
      client.message('/meta/nothing', { data: 1 }),
    );
    assert(replies.every((reply) => !('data' in reply)));
  }),

  check('MSG-8', 'unknown request fields are ignored and never echoed', requests, async (target) => {
    const link = await openLink(target, target.transport);
    const more = { 'com.acme.credentials': { user: 'x' }, colour: 'red' };
    const [reply = {}] = await link.send([handshakeOf(target, more)]).messages;
    succeeded(reply);
    assert(!JSON.stringify(reply).includes('acme') && !('colour' in reply));
  }),

  check('MSG-9', 'ext and advice that are no objects count as absent', requests, async (target) => {
    for (const odd of [5, 'x', null, true, [1], []]) {
      const client = await open(target, { handshake: { ext: odd, advice: odd }, connect: false });
      succeeded(await client.connect({ ext: odd, advice: odd }));
    }
  }),

  check('MSG-9', 'a clientId that is no string counts as unknown', requests, async (target) => {
    const client = await open(target);
    for (const clientId of [5, {}, [client.clientId], null, true]) {
      const reply = await client.call('/meta/subscribe', { clientId, subscription: '/a' });
      assert.equal(reply.error, '402::session_unknown');
    }
  }),

  check(
    'MSG-9',
    'an advised timeout that is no sensible number counts as absent',
    requests,
    async (target) => {
      const holds = [-1, '0', null, [0], false].map(async (timeout) => {
        const client = await open(target);
        await client.provesHeld(await client.hold({ advice: { timeout } }));
      });
      await Promise.all(holds);
    },
  ),

  check('MSG-10', 'fields of older clients are accepted, and never sent', requests, async (target) => {
    const old = {
      connectionId: '/12',
      'json-comment-filtered': true,
      authSuccessful: true,
      timestamp: 'now',
    };
    const client = await open(target, { handshake: old });
    const replies = [
      await client.connect({ ...old, advice: { timeout: 0 } }),
      await client.call('/service/x', old),
    ];
    for (const reply of [...replies, ...client.link.log.items]) {
      succeeded(reply);
      for (const field of ['connectionId', 'json-comment-filtered', 'authSuccessful'])
        assert(!(field in reply), field);
    }
  }),

  check('MSG-11', 'a leading byte order mark is dropped', 'long-polling', async (target) => {
    const { status, text } = await target.post(`\uFEFF${JSON.stringify([handshakeOf(target)])}`).response;
    assert.equal(status, 200, text);
    succeeded(readBatch(text)[0] ?? {});
  }),

  check('MSG-11', 'a leading byte order mark is dropped', 'websocket', async (target) => {
    const socket = await target.socket();
    socket.send(`\uFEFF${JSON.stringify([handshakeOf(target)])}`);
    succeeded(readBatch(await socket.texts.shift())[0] ?? {});
  }),

  check('MSG-11', 'text of every script comes through whole', requests, async (target) => {
    const client = await open(target);
    const data = { 'clé 鍵': 'ÅßΩ→漢字🎈\u2028\u2029<!--&\\"\u0000\u001f\uFFFF' };
    await client.subscribe(target.channel('a'));
    await client.publish(target.channel('a'), data);
    assert.deepEqual(await client.take(1), [{ channel: target.channel('a'), data }]);
  }),

  check('MSG-12', 'successful meta replies carry the clientId, others never do', requests, async (target) => {
    const client = await open(target);
    const { clientId } = client;
    const name = target.channel('a');
    assert.equal((await client.connect({ advice: { timeout: 0 } })).clientId, clientId);
    assert.equal((await client.subscribe(name)).clientId, clientId);
    assert.equal((await client.unsubscribe(name)).clientId, clientId);
    for (const other of [
      await client.publish(name, 1),
      await client.call('/meta/subscribe'),
      await client.call('/a/'),
    ]) {
      assert(!('clientId' in other), JSON.stringify(other));
    }
    assert.equal((await client.call('/meta/disconnect')).clientId, clientId);
  }),

  check('ID-1', 'an id is echoed with its type and value, falsy ones too', requests, async (target) => {
    const client = await open(target);
    for (const id of ids) assert.strictEqual((await client.call('/service/x', { id, data: 1 })).id, id);
  }),

  check('ID-2', 'the handshake and the connect echo falsy ids', requests, async (target) => {
    for (const id of [0, '', '0']) {
      const client = await open(target, { handshake: { id }, connect: false });
      assert.strictEqual(client.link.log.items[0]?.id, id);
      assert.strictEqual((await client.connect({ id })).id, id);
    }
  }),

  check('ID-3', 'an id of null counts as absent', requests, async (target) => {
    const client = await open(target);
    exactly(await client.call('/service/x', { id: null, data: 1 }), {
      channel: '/service/x',
      successful: true,
    });
  }),

  check('ID-4', 'an id of another type, or too long, fails its message alone', requests, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    for (const id of [{}, ['7'], true, 'x'.repeat(129)]) {
      const [bad, good] = await client.batch(
        client.message(name, { id, data: 'bad' }),
        client.message('/service/x', { data: 1 }),
      );
      exactly(bad, { channel: name, successful: false, error: '405::message_id_invalid' });
      succeeded(good ?? {});
    }
    assert.deepEqual(await client.drain(await openOther(target)), []);
  }),
];
