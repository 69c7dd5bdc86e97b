import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type Check, check } from '../check.ts';
import { handshakeOf, open, openOther } from '../client.ts';
import { type Message, readBatch, succeeded } from '../message.ts';
import type { Target } from '../target.ts';
import type { Opcode, WebSocket } from '../web-socket.ts';

const dataOf = (events: readonly { data?: unknown }[]) => events.map(({ data }) => data);

async function closedBy(
  target: Target,
  ...frames: readonly (readonly [Opcode, string | Buffer])[]
): Promise<number> {
  const socket = await target.socket();
  for (const [opcode, payload] of frames) socket.frame(opcode, payload);
  return socket.closed;
}

async function handshakesOn(target: Target, socket: WebSocket): Promise<Message> {
  socket.send(JSON.stringify([handshakeOf(target)]));
  return succeeded(readBatch(await socket.texts.shift())[0] ?? {});
}

/** Frames that end a socket: what each is, the code it gets, and how it goes. */
const endings: readonly (readonly [string, number, Opcode, string | Buffer])[] = [
  ['a binary frame', 1003, 'binary', '[{"channel":"/a"}]'],
  ['malformed JSON', 1007, 'text', '[{"channel":'],
  ['an empty frame', 1007, 'text', ''],
  ['a scalar', 1007, 'text', '1'],
  ['null', 1007, 'text', 'null'],
  ['a string', 1007, 'text', '"x"'],
  ['an array with a number', 1007, 'text', '[1]'],
  ['an array in the array', 1007, 'text', '[[]]'],
  ['malformed UTF-8', 1007, 'text', Buffer.from([0x5b, 0x22, 0xc3, 0x28, 0x22, 0x5d])],
  ['a message over a mebibyte', 1009, 'text', `[{"channel":"/a","data":"${'x'.repeat(1_048_576)}"}]`],
  ['a batch of a thousand and one', 1009, 'text', `[${'{"channel":"/a"},'.repeat(1000)}{"channel":"/a"}]`],
  [
    'nesting of a hundred thousand',
    1009,
    'text',
    `[{"channel":"/a","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}]`,
  ],
];

export const webSocket: readonly Check[] = [
  ...endings.map(([what, code, opcode, payload]) =>
    check('WS-17', `${what}: ${code}`, 'websocket', async (target) => {
      assert.equal(await closedBy(target, [opcode, payload]), code);
    }),
  ),

  check('WS-17', 'what ends a socket takes no effect, the session lives', 'websocket', async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    const publish = client.message(target.channel('a'), { data: 1 });
    assert.equal(await closedBy(target, ['text', JSON.stringify([publish, 1])]), 1007);
    assert.deepEqual(await client.drain(await openOther(target)), []);
  }),

  check('WS-1', 'the mount and every path below it upgrade', 'websocket', async (target) => {
    for (const path of ['', '/', '/connect', '/59.0', '/a/b/c']) {
      const { status, accepted, socket } = await target.upgrade(path);
      assert.equal(status, 101, path);
      assert(accepted && socket, 'Sec-WebSocket-Accept is wrong');
      await handshakesOn(target, socket);
    }
  }),

  check('WS-1', 'an upgrade outside the mount is answered, with a refusal', 'websocket', async (target) => {
    assert.equal((await target.upgrade()).status, 101);
    const { status } = await target.upgrade('x').catch(() => ({ status: 0 }));
    assert.notEqual(status, 101);
  }),

  check('WS-3', 'the first subprotocol offered is selected', 'websocket', async (target) => {
    const { status, headers } = await target.upgrade('', { 'Sec-WebSocket-Protocol': 'bayeux, other' });
    assert.equal(status, 101);
    assert.equal(headers['sec-websocket-protocol'], 'bayeux');
  }),

  check('WS-3', 'without an offer none is selected', 'websocket', async (target) => {
    const { headers } = await target.upgrade();
    assert.equal(headers['sec-websocket-protocol'], undefined);
  }),

  check('WS-4', 'each frame of the server is one array', 'websocket', async (target) => {
    const socket = await target.socket();
    const { clientId } = await handshakesOn(target, socket);
    const batch = ['a', 'b', 'c'].map((id) => ({ id, channel: '/service/x', clientId }));
    socket.send(JSON.stringify(batch));
    assert.deepEqual(
      readBatch(await socket.texts.shift()).map(({ id }) => id),
      ['a', 'b', 'c'],
    );
  }),

  check('WS-4', 'a message in fragments is one batch', 'websocket', async (target) => {
    const socket = await target.socket();
    const bytes = Buffer.from(JSON.stringify([handshakeOf(target, { note: 'é漢🎈' })]));
    socket.frame('text', bytes.subarray(0, 7), false);
    socket.frame('ping', 'between');
    socket.frame('continuation', bytes.subarray(7, bytes.length - 6), false);
    socket.frame('continuation', bytes.subarray(bytes.length - 6));
    succeeded(readBatch(await socket.texts.shift())[0] ?? {});
    assert.equal(await socket.pongs.shift(), 'between');
  }),

  check('WS-5', 'an empty array is ignored', 'websocket', async (target) => {
    const client = await open(target);
    const socket = await target.socket();
    for (let round = 0; round < 3; round++) socket.send('[]');
    await handshakesOn(target, socket);
    socket.send('[]');
    socket.send(JSON.stringify([client.message('/service/x', { data: 1 })]));
    succeeded(readBatch(await socket.texts.shift())[0] ?? {});
    assert.deepEqual(socket.texts.items, []);
  }),

  check('WS-6', 'the replies of a batch share a frame', 'websocket', async (target) => {
    const socket = await target.socket();
    const { clientId } = await handshakesOn(target, socket);
    const subscription = target.channel('a');
    const connect = { channel: '/meta/connect', clientId, connectionType: 'websocket' };
    socket.send(JSON.stringify([{ channel: '/meta/subscribe', clientId, subscription }, connect]));
    assert.deepEqual(
      readBatch(await socket.texts.shift()).map(({ channel, successful }) => [channel, successful]),
      [
        ['/meta/subscribe', true],
        ['/meta/connect', true],
      ],
    );
  }),

  check('WS-14', 'a ping is answered with what it carried', 'websocket', async (target) => {
    const socket = await target.socket();
    for (const payload of ['', 'x', 'p'.repeat(125)]) {
      socket.frame('ping', payload);
      assert.equal(await socket.pongs.shift(), payload);
    }
  }),

  check('WS-16', 'compression is not agreed to', 'websocket', async (target) => {
    const { headers } = await target.upgrade('', {
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
    });
    assert.equal(headers['sec-websocket-extensions'], undefined);
  }),

  check('WS-17', 'a close is answered with a close', 'websocket', async (target) => {
    assert.equal(await closedBy(target, ['close', Buffer.from([0x03, 0xe8])]), 1000);
  }),

  check('PR-9', 'a message of 200,000 bytes is read', 'websocket', async (target) => {
    const client = await open(target);
    await client.subscribe(target.channel('a'));
    const data = randomBytes(100_000).toString('hex');
    await client.publish(target.channel('a'), data);
    assert.deepEqual(dataOf(await client.take(1)), [data]);
  }),
];
