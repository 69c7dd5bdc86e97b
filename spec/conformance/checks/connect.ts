import assert from 'node:assert/strict';
import { type Check, check, polling, requests } from '../check.ts';
import { open, openOther } from '../client.ts';
import { carries, exactly, refused, succeeded } from '../message.ts';

const retry = { reconnect: 'retry', interval: 0 };
const again = { reconnect: 'handshake', interval: 1000 };

export const connect: readonly Check[] = [
  check('CN-2', 'an unknown session is told to handshake', requests, async (target) => {
    const client = await open(target);
    for (const clientId of ['nobody', undefined]) {
      const request = client.connectRequest({ clientId });
      const advice = { reconnect: 'handshake', interval: 0 };
      refused(await client.ask(request), request, '402::session_unknown', { advice });
    }
  }),

  check(
    'CN-3',
    'a transport that is not there is refused with advice to come again',
    requests,
    async (target) => {
      const client = await open(target);
      for (const connectionType of ['flash', 'iframe', 'in-process']) {
        const request = client.connectRequest({ connectionType });
        const error = `301:${connectionType}:connection_type_unsupported`;
        refused(await client.ask(request), request, error, { advice: again });
      }
    },
  ),

  check('CN-3', 'without a connectionType the carrier decides', requests, async (target) => {
    const client = await open(target);
    await client.provesHeld(await client.hold({ connectionType: undefined }));
  }),

  check('CN-3', 'beside another transport than its own the carrier decides', polling, async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    const connectionType = polling.find((transport) => transport !== target.transport);
    const held = await client.hold({ connectionType });
    await (await openOther(target)).publish(target.channel('a'), 1);
    carries(await held.messages, target.channel('a'), 1);
  }),

  check('CN-3', 'a connect of a bad type leaves the held one held', requests, async (target) => {
    const client = await open(target);
    const held = await client.hold();
    assert.equal((await client.connect({ connectionType: 'flash' })).successful, false);
    await client.provesHeld(held);
  }),

  check('CN-4', 'the first connect is answered at once, whatever its advice', requests, async (target) => {
    for (const advice of [undefined, { timeout: 0 }, { timeout: 60_000 }]) {
      const client = await open(target, { connect: false });
      const request = client.connectRequest({ advice });
      const { id, channel } = request;
      const { clientId } = client;
      exactly(await client.ask(request), { id, channel, clientId, successful: true, advice: retry });
    }
  }),

  check('CN-4', 'the first connect carries what was queued before it', polling, async (target) => {
    const client = await open(target, { connect: false });
    await client.subscribe(target.channel('a'));
    await (await openOther(target)).publish(target.channel('a'), 1);
    carries(await client.link.send([client.connectRequest()]).messages, target.channel('a'), 1);
  }),

  check('CN-5', 'a timeout of 0 is answered at once', requests, async (target) => {
    const client = await open(target);
    for (let round = 0; round < 3; round++) succeeded(await client.connect({ advice: { timeout: 0 } }));
  }),

  check('CN-6', 'a connect that shares its batch is answered at once', requests, async (target) => {
    const client = await open(target);
    const subscriptions = ['a', 'b'].map((name) => target.channel(name));
    const subscribes = subscriptions.map((subscription) =>
      client.message('/meta/subscribe', { subscription }),
    );
    for (const reply of await client.batch(client.connectRequest(), ...subscribes)) succeeded(reply);
    for (const reply of await client.batch(...subscribes, client.connectRequest())) succeeded(reply);
  }),

  check('CN-7', 'a connect that finds events is answered at once, events first', polling, async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    await (await openOther(target)).publishAll(target.channel('a'), [1, 2]);
    const request = client.connectRequest();
    const answer = await client.link.send([request]).messages;
    assert.deepEqual(
      answer.map(({ channel, data, id }) => data ?? [channel, id]),
      [1, 2, ['/meta/connect', request.id]],
    );
  }),

  check(
    'ADV-1',
    'advice is complete on handshakes and connects, and nowhere else',
    requests,
    async (target) => {
      const client = await open(target);
      const subscription = target.channel('a');
      const bare = { clientId: 'nobody' };
      await client.batch(
        client.message('/meta/subscribe', { subscription }),
        client.message('/meta/subscribe', { subscription, ...bare }),
        client.message('/meta/unsubscribe', { subscription }),
        client.message('/meta/disconnect', bare),
        client.message(subscription, { data: 1 }),
        client.message(subscription, { data: 1, ...bare }),
        client.connectRequest(bare),
        client.connectRequest({ connectionType: 'flash' }),
      );
      for (const { channel, advice } of client.link.log.items) {
        const advised = channel === '/meta/handshake' || channel === '/meta/connect';
        assert.equal(advice !== undefined, advised, `advice on ${channel}`);
        if (advice) assert.deepEqual(Object.keys(advice).sort(), ['interval', 'reconnect', 'timeout']);
      }
    },
  ),
];
