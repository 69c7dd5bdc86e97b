import assert from 'node:assert/strict';
import { type Check, check, polling, requests } from '../check.ts';
import { answerTo, handshakeOf, open, openOther, resume, shake } from '../client.ts';
import { openLink } from '../link.ts';
import { exactly, refused, succeeded } from '../message.ts';

const retry = { reconnect: 'retry', interval: 0 };

export const handshake: readonly Check[] = [
  check('HS-1', 'a handshake is answered with exactly what the protocol says', requests, async (target) => {
    const request = handshakeOf(target, { minimumVersion: '1.0' });
    const reply = await answerTo(target, request);
    const { id, channel } = request;
    const { clientId, supportedConnectionTypes } = reply;
    const version = { version: '1.0', minimumVersion: '1.0' };
    exactly(reply, {
      id,
      channel,
      successful: true,
      ...version,
      clientId,
      supportedConnectionTypes,
      advice: retry,
    });
  }),

  check('HS-1', 'a clientId in a handshake is ignored', requests, async (target) => {
    const first = await open(target);
    const second = await open(target, { handshake: { clientId: first.clientId } });
    assert.notEqual(second.clientId, first.clientId);
    await first.publish(target.channel('a'), 1);
  }),

  check('HS-2', 'each handshake makes a session and leaves the older one be', requests, async (target) => {
    const first = await open(target);
    const second = await shake(target, first.link);
    assert.notEqual(second.clientId, first.clientId);
    await second.publish(target.channel('a'), 1);
    await first.publish(target.channel('a'), 1);
  }),

  check('HS-2', 'a second handshake on a socket detaches the first session', 'websocket', async (target) => {
    const first = await open(target);
    await first.subscribe(target.channel('a'));
    const second = await shake(target, first.link);
    const other = await openOther(target);
    await other.publish(target.channel('a'), 'for the first');
    assert.deepEqual(await second.drain(other), []);
    const returned = await resume(target, first, 'long-polling');
    assert.deepEqual(await returned.take(1), [{ channel: target.channel('a'), data: 'for the first' }]);
  }),

  check(
    'HS-3',
    'what shares a batch with a handshake is refused, the handshake done',
    requests,
    async (target) => {
      const link = await openLink(target, target.transport);
      const subscribe = { id: 's', channel: '/meta/subscribe', subscription: target.channel('a') };
      const [first = {}, second, ...more] = await link.send([handshakeOf(target), subscribe]).messages;
      assert.equal(succeeded(first).channel, '/meta/handshake');
      refused(second, subscribe, '400::handshake_not_alone', { subscription: target.channel('a') });
      assert.deepEqual(more, []);
    },
  ),

  check(
    'HS-3',
    'a second handshake in a batch is refused with advice to come again',
    requests,
    async (target) => {
      const link = await openLink(target, target.transport);
      const request = handshakeOf(target);
      const [first = {}, second = {}] = await link.send([handshakeOf(target), request]).messages;
      succeeded(first);
      assert.deepEqual(
        [second.id, second.successful, second.error],
        [request.id, false, '400::handshake_not_alone'],
      );
      const { reconnect, interval } = second.advice ?? {};
      assert.deepEqual({ reconnect, interval }, { reconnect: 'handshake', interval: 1000 });
    },
  ),

  check(
    'HS-3',
    'a connect beside a handshake is refused with advice to try again',
    requests,
    async (target) => {
      const client = await open(target);
      const request = client.connectRequest();
      const answer = await client.link.send([request, handshakeOf(target)]).messages;
      const reply = answer.find(({ id }) => id === request.id);
      refused(reply, request, '400::handshake_not_alone', { advice: retry });
      succeeded(answer.find(({ channel }) => channel === '/meta/handshake') ?? {});
    },
  ),

  check('HS-3', 'what is refused beside a handshake takes no effect', requests, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    const subscribe = client.message('/meta/subscribe', { subscription: name });
    await client.link.send([subscribe, handshakeOf(target)]).messages;
    const other = await openOther(target);
    await other.publish(name, 1);
    const returned = await resume(target, client, 'long-polling');
    assert.deepEqual(await returned.drain(other), []);
  }),

  check('HS-8', 'clientIds are alphanumeric, long and never the same', 'long-polling', async (target) => {
    const ids = new Set<unknown>();
    for (let round = 0; round < 10; round++) {
      const some = Array.from({ length: 10 }, () => answerTo(target, handshakeOf(target)));
      for (const { clientId } of await Promise.all(some)) ids.add(clientId);
    }
    assert.equal(ids.size, 100);
    for (const id of ids) assert.match(String(id), /^[A-Za-z0-9]{36,}$/);
    // Four characters name the node; the rest shares no beginning.
    assert.equal(new Set([...ids].map((id) => String(id).slice(4, 14))).size, 100);
  }),

  check('HS-15', 'no event rides on a handshake reply', polling, async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    await (await openOther(target)).publish(target.channel('a'), 1);
    const [reply, ...more] = await client.link.send([handshakeOf(target)]).messages;
    assert.equal(reply?.channel, '/meta/handshake');
    assert.deepEqual(more, []);
    assert(reply && !('x-messages' in reply));
  }),

  check('MSG-12', 'a refused handshake tells no clientId', requests, async (target) => {
    const reply = await answerTo(target, handshakeOf(target, { supportedConnectionTypes: ['flash'] }));
    assert(reply.successful === false && !('clientId' in reply));
  }),

  check('ADV-11', 'advice in a handshake does not rule the connects', requests, async (target) => {
    const client = await open(target, { handshake: { advice: { timeout: 0, interval: 0 } } });
    await client.provesHeld(await client.hold());
  }),
];
