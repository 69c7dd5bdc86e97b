import assert from 'node:assert/strict';
import { all, type Check, check } from '../check.ts';
import { handshakeOf, open, openOther } from '../client.ts';
import { openLink } from '../link.ts';
import { carries, type Message, readBatch, succeeded } from '../message.ts';

const odd: readonly unknown[] = [
  null,
  true,
  5,
  -1e300,
  '',
  'x',
  [],
  {},
  [[]],
  { a: 1 },
  [null],
  { toString: 1 },
];
const fields = [
  'id',
  'channel',
  'clientId',
  'connectionType',
  'subscription',
  'data',
  'ext',
  'advice',
  'timestamp',
];
const channels = ['/meta/connect', '/meta/subscribe', '/meta/unsubscribe', '/service/x', '/meta/disconnect'];

/** Fails unless a reply says plainly whether it worked, without an inner failure. */
function sound(reply: Message): void {
  assert.equal(typeof reply.successful, 'boolean', JSON.stringify(reply));
  assert(!reply.error?.startsWith('500'), reply.error);
  assert.equal(typeof reply.error, reply.successful ? 'undefined' : 'string');
}

export const hostile: readonly Check[] = [
  check(
    'MSG-9',
    'no field of the wrong type breaks anything',
    ['long-polling', 'websocket'],
    async (target) => {
      for (const channel of channels) {
        const client = await open(target);
        const batch = fields.flatMap((field) =>
          odd.map((value) => client.message(channel, { [field]: value })),
        );
        // A connect alone might be held; in a batch it never is (CN-6).
        const answer = await client.link.send(batch).messages;
        assert.equal(answer.filter(({ data }) => data === undefined).length, batch.length);
        for (const reply of answer) sound(reply);
      }
    },
  ),

  check(
    'MSG-9',
    'no handshake field of the wrong type breaks anything',
    ['long-polling', 'websocket'],
    async (target) => {
      const link = await openLink(target, target.transport);
      for (const field of [
        'id',
        'version',
        'minimumVersion',
        'supportedConnectionTypes',
        'ext',
        'advice',
        'clientId',
      ]) {
        for (const value of odd) {
          const [reply = {}, ...more] = await link.send([handshakeOf(target, { [field]: value })]).messages;
          sound(reply);
          assert.deepEqual(more, []);
        }
      }
    },
  ),

  check('SEC-7', '__proto__ in data is passed on as it came', all, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const text =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":[{"__proto__":null}]}';
    const other = await openOther(target);
    await other.publish(name, JSON.parse(text));
    const [event] = await client.take(1);
    assert.equal(JSON.stringify(event?.data), text);
  }),

  check(
    'SEC-7',
    '__proto__ at the top, in ext and in advice is harmless',
    ['long-polling', 'websocket'],
    async (target) => {
      const link = await openLink(target, target.transport);
      const proto = '"__proto__":{"successful":false,"channel":"/x","advice":{"timeout":0}}';
      const text = JSON.stringify(handshakeOf(target));
      const [reply = {}] = await link.send(
        JSON.parse(`${text.slice(0, -1)},${proto},"ext":{${proto}},"advice":{${proto},"constructor":1}}`),
      ).messages;
      succeeded(reply);
      assert(!JSON.stringify(reply).includes('__proto__'));
      const after = await open(target);
      await after.provesHeld(
        await after.hold(JSON.parse(`{"ext":{${proto}},"advice":{"__proto__":{"timeout":0}}}`)),
      );
    },
  ),

  check(
    'SEC-7',
    '__proto__ as clientId, id and subscription is a text like any other',
    'long-polling',
    async (target) => {
      const client = await open(target);
      for (const text of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
        const reply = await client.call('/meta/subscribe', { clientId: text, subscription: '/a' });
        assert.equal(reply.error, '402::session_unknown');
        assert.equal((await client.call('/service/x', { id: text })).id, text);
        assert.equal((await client.call('/meta/subscribe', { subscription: text })).successful, false);
      }
    },
  ),

  check('SEC-11', 'a control character reaches no error text', 'long-polling', async (target) => {
    const client = await open(target);
    for (const text of ['/a\r\nSet-Cookie: x', '/\u0000', '/\u001b[2J', '/a\u2028b']) {
      const { error } = await client.call('/meta/subscribe', { subscription: text });
      assert.equal(error, '405::channel_invalid');
    }
  }),

  check('SEC-8', 'odd but legal JSON is read', 'long-polling', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const id = JSON.stringify(client.clientId);
    const escaped = name.replace('/', '\\/').replace('a', '\\u0061');
    const text = ` [\n{"channel":"/x","channel":"${escaped}","clientId":${id},"data":["\\ud800",1E2,-0.0,"\\ud83c\\udf88"]}\t] `;
    const { status, text: answer } = await target.post(text).response;
    assert.equal(status, 200);
    carries(readBatch(answer), name, ['\ud800', 100, 0, '🎈']);
  }),

  check('SEC-8', 'after many hostile bodies the server answers as before', 'long-polling', async (target) => {
    const client = await open(target);
    const bodies = [
      '{',
      '[{}',
      '"',
      '\u0000',
      '{"__proto__":1}',
      '['.repeat(50_000),
      '{"a":'.repeat(50_000),
      '[{"channel":{}}]',
    ];
    for (const body of bodies) {
      const { status } = await target.post(body).response;
      assert([200, 400, 413].includes(status), `${status} for ${body.slice(0, 20)}`);
    }
    await client.publish(target.channel('a'), 1);
  }),
];
