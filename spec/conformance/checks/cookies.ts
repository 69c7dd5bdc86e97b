import assert from 'node:assert/strict';
import { type Check, check, polling } from '../check.ts';
import { handshakeOf, open, openOther, resume } from '../client.ts';
import { carries, exactly, succeeded } from '../message.ts';
import type { Target } from '../target.ts';

const json = { 'Content-Type': 'application/json' };

async function cookiesOf(target: Target, cookie?: string, fields = {}): Promise<string[]> {
  const headers = cookie === undefined ? json : { ...json, Cookie: cookie };
  const { status, headers: answer } = await target.post([handshakeOf(target, fields)], headers).response;
  assert.equal(status, 200);
  return answer['set-cookie'] ?? [];
}

/** Sessions of one browser, as its tabs are. */
async function threeTabs(target: Target) {
  const [text = ''] = await cookiesOf(target);
  const headers = { Cookie: text.split(';')[0] };
  const tab = () => open(target, { headers });
  return [await tab(), await tab(), await tab()] as const;
}

export const cookies: readonly Check[] = [
  check('CK-1', 'a handshake over HTTP sets the browser cookie once', polling, async (target) => {
    const exchange =
      target.transport === 'long-polling'
        ? target.post([handshakeOf(target)])
        : target.jsonp([handshakeOf(target)]);
    const { headers } = await exchange.response;
    const [cookie = '', ...more] = headers['set-cookie'] ?? [];
    assert.deepEqual(more, []);
    assert.match(cookie, /^BAYEUX_BROWSER=[A-Za-z0-9]{22,64}(;|$)/);
    const attributes = cookie.toLowerCase().split(/;\s*/);
    assert(attributes.includes('path=/') && attributes.includes('httponly'), cookie);
  }),

  check('CK-1', 'each browser gets an id of its own', 'long-polling', async (target) => {
    const [first] = await cookiesOf(target);
    const [second] = await cookiesOf(target);
    assert(first && second && first !== second);
  }),

  check('CK-1', 'a sound cookie is adopted, a malformed one replaced', 'long-polling', async (target) => {
    for (const id of ['abcd1234', 'x'.repeat(64)]) {
      assert.deepEqual(await cookiesOf(target, `other=1; BAYEUX_BROWSER=${id}; more=2`), []);
    }
    for (const id of ['short', 'x'.repeat(65), 'has-a-dash', '', '<b>abcdefgh']) {
      assert.match(
        (await cookiesOf(target, `BAYEUX_BROWSER=${id}`))[0] ?? '',
        /^BAYEUX_BROWSER=[A-Za-z0-9]{22,64};/,
      );
    }
  }),

  check('CK-1', 'a failed handshake sets none', 'long-polling', async (target) => {
    assert.deepEqual(await cookiesOf(target, undefined, { supportedConnectionTypes: ['flash'] }), []);
  }),

  check('CK-2', 'a session is known without its cookie', 'long-polling', async (target) => {
    const client = await open(target);
    await client.publish(target.channel('a'), 1);
  }),

  check('CN-12', 'a second tab is not held but told to poll', polling, async (target) => {
    const [first, second] = await threeTabs(target);
    await first.hold();
    const request = second.connectRequest();
    const { id, channel } = request;
    const advice = { reconnect: 'retry', interval: 2000, 'multiple-clients': true };
    exactly(await second.ask(request), { id, channel, clientId: second.clientId, successful: true, advice });
  }),

  check('CN-12', 'a surplus connect carries the events that wait', polling, async (target) => {
    const [first, second] = await threeTabs(target);
    await second.subscribe(target.channel('a'));
    const held = await first.hold();
    await (await openOther(target)).publish(target.channel('a'), 1);
    carries(await second.link.send([second.connectRequest()]).messages, target.channel('a'), 1);
    await first.provesHeld(held);
  }),

  check('CK-5', 'when the first tab disconnects the second is held', polling, async (target) => {
    const [first, second] = await threeTabs(target);
    await first.provesHeld(await first.hold());
    await second.provesHeld(await second.hold());
  }),

  check('CK-5', 'when the first tab’s connection dies the second is held', polling, async (target) => {
    const [first, second] = await threeTabs(target);
    (await first.hold()).abort();
    await target.settle();
    await second.provesHeld(await second.hold());
  }),

  check('CK-5', 'when the first tab’s connect ends the second is held', polling, async (target) => {
    const [first, second] = await threeTabs(target);
    await first.subscribe(target.channel('a'));
    const held = await first.hold();
    await (await openOther(target)).publish(target.channel('a'), 1);
    await held.messages;
    succeeded(await first.connect({ advice: { timeout: 50 } }));
    await second.provesHeld(await second.hold());
  }),

  check('CK-5', 'a tab that connects again and again counts once', polling, async (target) => {
    const [first, second] = await threeTabs(target);
    for (let round = 0; round < 3; round++) await first.hold();
    await first.provesHeld(await first.hold());
    await second.provesHeld(await second.hold());
  }),

  check('CK-4', 'a connect held on a socket does not count', 'long-polling', async (target) => {
    const [first, second, third] = await threeTabs(target);
    const held = await first.hold();
    const moved = await resume(target, second, 'websocket');
    succeeded(await moved.connect({ advice: { timeout: 50 } }));
    const socket = await moved.hold();
    const { advice } = succeeded(await third.connect());
    assert.equal(advice?.['multiple-clients'], true);
    await first.provesHeld(held);
    await moved.provesHeld(socket);
  }),
];
