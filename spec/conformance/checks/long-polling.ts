import assert from 'node:assert/strict';
import { type Check, check } from '../check.ts';
import { handshakeOf, open, openOther } from '../client.ts';
import { carries, type Message, readBatch, succeeded } from '../message.ts';
import type { Target } from '../target.ts';

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const field = (value: unknown) => `message=${encodeURIComponent(JSON.stringify(value))}`;

async function repliesTo(target: Target, body: string, headers: Record<string, string>): Promise<Message[]> {
  const { status, text } = await target.post(body, headers).response;
  assert.equal(status, 200, text);
  return readBatch(text);
}

async function handshakes(target: Target, body: string, headers: Record<string, string>): Promise<void> {
  const [reply = {}] = await repliesTo(target, body, headers);
  succeeded(reply);
}

export const longPolling: readonly Check[] = [
  check('LP-1', 'application/json with parameters is JSON', 'long-polling', async (target) => {
    for (const type of [
      'application/json',
      'application/json;charset=UTF-8',
      'Application/JSON; charset=utf-8; x=1',
    ]) {
      await handshakes(target, JSON.stringify([handshakeOf(target)]), { 'Content-Type': type });
    }
  }),

  check('LP-2', 'a form carries one message or an array', 'long-polling', async (target) => {
    await handshakes(target, field(handshakeOf(target)), form);
    await handshakes(target, `x=1&${field([handshakeOf(target)])}&y`, form);
  }),

  check('LP-2', 'the messages of a form are one batch, in order', 'long-polling', async (target) => {
    const client = await open(target);
    const [a, b, c] = [
      client.message('/service/a', { data: 1 }),
      client.message('/service/b', { data: 1 }),
      client.message('/service/c', { data: 1 }),
    ];
    const replies = await repliesTo(target, [field(a), field([b, c])].join('&'), form);
    assert.deepEqual(
      replies.map(({ id, successful }) => [id, successful]),
      [a, b, c].map(({ id }) => [id, true]),
    );
  }),

  check('LP-2', 'in a form + is a space, and UTF-8 is percent-encoded', 'long-polling', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const data = 'a b+c & é=漢 %41';
    const body = field(client.message(name, { data })).replaceAll('%20', '+');
    assert(body.includes('a+b%2Bc'));
    carries(await repliesTo(target, body, form), name, data);
  }),

  check('LP-3', 'a form labelled text/plain is a form', 'long-polling', async (target) => {
    await handshakes(target, field([handshakeOf(target)]), { 'Content-Type': 'text/plain;charset=UTF-8' });
  }),

  check(
    'LP-3',
    'JSON is known by its first character, whatever its label',
    'long-polling',
    async (target) => {
      const message = handshakeOf(target);
      for (const type of ['text/plain', 'application/octet-stream', 'text/json', 'application/bayeux+json']) {
        await handshakes(target, JSON.stringify([message]), { 'Content-Type': type });
        await handshakes(target, ` \r\n\t${JSON.stringify(message)}`, { 'Content-Type': type });
      }
    },
  ),

  check('LP-3', 'without a content type JSON and forms are told apart', 'long-polling', async (target) => {
    await handshakes(target, JSON.stringify([handshakeOf(target)]), {});
    await handshakes(target, field(handshakeOf(target)), {});
  }),

  check('LP-4', 'the response is one array of application/json', 'long-polling', async (target) => {
    const { headers, text } = await target.post([handshakeOf(target)]).response;
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    assert.equal(readBatch(text).length, 1);
  }),

  check('LP-4', 'a body in chunks is read whole', 'long-polling', async (target) => {
    const headers = { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' };
    await handshakes(target, JSON.stringify([handshakeOf(target)]), headers);
  }),

  check('LP-5', 'cross-origin-long-polling is the same transport', 'long-polling', async (target) => {
    const connectionType = 'cross-origin-long-polling';
    const client = await open(target, { handshake: { supportedConnectionTypes: [connectionType] } });
    await client.subscribe(target.channel('a'));
    const held = await client.hold({ connectionType });
    await (await openOther(target)).publish(target.channel('a'), 1);
    carries(await held.messages, target.channel('a'), 1);
    await client.provesHeld(await client.hold({ connectionType }));
  }),

  check('LP-6', 'another request never waits for the held one', 'long-polling', async (target) => {
    const client = await open(target);
    const held = await client.hold();
    for (const name of ['a', 'b']) await client.subscribe(target.channel(name));
    await client.publish(target.channel('c'), 1);
    await client.provesHeld(held);
  }),

  check('LP-6', 'connects are held one after another', 'long-polling', async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    const other = await openOther(target);
    for (const data of [1, 2, 3]) {
      const held = await client.hold();
      assert(!held.answered());
      await other.publish(target.channel('a'), data);
      carries(await held.messages, target.channel('a'), data);
    }
  }),
];
