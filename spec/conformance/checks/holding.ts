import assert from 'node:assert/strict';
import { type Check, check, polling, requests } from '../check.ts';
import { open, openOther, resume } from '../client.ts';
import { eventOf, exactly, succeeded } from '../message.ts';

const retry = { reconnect: 'retry', interval: 0 };

export const holding: readonly Check[] = [
  check('CN-8', 'an event wakes the held connect and comes before its reply', polling, async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    const held = await client.hold();
    assert(!held.answered());
    await (await openOther(target)).publishAll(target.channel('a'), ['a', 'b']);
    const [first, ...rest] = await held.messages;
    assert.deepEqual(eventOf(first), { channel: target.channel('a'), data: 'a' });
    const { id, channel } = held.request;
    exactly(rest.at(-1), { id, channel, clientId: client.clientId, successful: true, advice: retry });
  }),

  check(
    'CN-8',
    'a held connect is not woken by what the session did not ask for',
    requests,
    async (target) => {
      const client = await open(target);
      await client.subscribe(target.channel('a'));
      const held = await client.hold();
      const other = await openOther(target);
      await other.publish(target.channel('b'), 1);
      await other.publish('/service/a', 1);
      await client.provesHeld(held);
    },
  ),

  check('CN-9', 'a connect is held for the time it asks for, then succeeds', requests, async (target) => {
    const client = await open(target);
    const request = client.connectRequest({ advice: { timeout: 300 } });
    const began = performance.now();
    const reply = await client.ask(request);
    const took = performance.now() - began;
    assert(took > 280 && took < 10_000, `${took} ms`);
    const { id, channel } = request;
    exactly(reply, { id, channel, clientId: client.clientId, successful: true, advice: retry });
  }),

  check('ADV-12', 'a timeout beyond the server’s is held like any other', requests, async (target) => {
    const client = await open(target);
    await client.provesHeld(await client.hold({ advice: { timeout: 1e15 } }));
  }),

  check('ADV-11', 'an advised timeout holds for one connect only', requests, async (target) => {
    const client = await open(target);
    succeeded(await client.connect({ advice: { timeout: 100 } }));
    succeeded(await client.connect({ advice: { timeout: 0 } }));
    await client.provesHeld(await client.hold());
  }),

  check(
    'ADV-7',
    'the advised timeout is the server’s, whatever this connect asked for',
    requests,
    async (target) => {
      const client = await open(target, { connect: false });
      const { advice: first } = await client.connect();
      const { advice: later } = await client.connect({ advice: { timeout: 100, interval: 700 } });
      assert.equal(typeof first?.timeout, 'number');
      assert.equal(later?.timeout, first?.timeout);
    },
  ),

  check(
    'CN-13',
    'a connect held while its client disconnects succeeds with advice to stop',
    requests,
    async (target) => {
      const client = await open(target);
      const held = await client.hold();
      await client.provesHeld(held);
      const { id, channel } = held.request;
      const advice = { reconnect: 'none', interval: 0 };
      exactly((await held.messages)[0], { id, channel, clientId: client.clientId, successful: true, advice });
    },
  ),

  check('CN-15', 'nothing is lost when the connection of a held connect dies', requests, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const held = await client.hold();
    held.abort();
    await target.settle();
    await (await openOther(target)).publishAll(name, [1, 2, 3]);
    const returned = await resume(target, client, target.transport);
    succeeded(await returned.connect({ advice: { timeout: 0 } }));
    assert.deepEqual(
      (await returned.take(3)).map(({ data }) => data),
      [1, 2, 3],
    );
  }),

  check('CN-15', 'after its connection died a connect is held again', requests, async (target) => {
    const client = await open(target);
    (await client.hold()).abort();
    await target.settle();
    const returned = await resume(target, client, target.transport);
    await returned.provesHeld(await returned.hold());
  }),
];
