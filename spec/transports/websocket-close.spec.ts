import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { start } from '../support/start.ts';
import { settle, until } from '../support/until.ts';
import { handshake, masked, opcodes, WebSocketClient } from './websocket-client.ts';

const text = (payload: string | Buffer) => masked(payload);

/** What ends a socket, and the code it gets (WS-17). */
const endings: readonly (readonly [string, number, Buffer])[] = [
  ['a binary frame', 1003, masked('[{"channel":"/a"}]', { opcode: opcodes.BINARY })],
  ['malformed JSON', 1007, text('[{"channel":')],
  ['an empty frame', 1007, text('')],
  ['a scalar', 1007, text('1')],
  ['null', 1007, text('null')],
  ['a number in the array', 1007, text('[1]')],
  ['an array in the array', 1007, text('[[]]')],
  ['malformed UTF-8', 1007, text(Buffer.from([0x5b, 0x22, 0xc3, 0x28, 0x22, 0x5d]))],
  ['a frame over the limit', 1009, text(`[{"channel":"/a","data":"${'x'.repeat(1_048_576)}"}]`)],
  ['a frame without a mask', 1002, Buffer.from('\x81\x02[]', 'latin1')],
  ['a batch over the limit', 1009, text(`[${'{"channel":"/a"},'.repeat(1000)}{"channel":"/a"}]`)],
  ['nesting over the limit', 1009, text(`[{"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}]`)],
  ['a close frame', 1000, masked(Buffer.from([0x03, 0xe8]), { opcode: opcodes.CLOSE })],
];

describe('closing a WebSocket', () => {
  it.each(endings)('%s: %i', async (_what, code, bytes) => {
    const { server, url, clock } = await start();
    const alice = await WebSocketClient.connected(url, '/a');
    alice.socket.write(bytes);
    await until(() => alice.ended);
    expect(alice.code).toBe(code);
    expect(server.sessions.size).toBe(1);
    for (const session of server.sessions) expect(session.push).toBeUndefined();
    await clock.tick(60_000);
    expect(server.sessions.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('a message in fragments over the limit: 1009, before it is gathered', async () => {
    const { url } = await start({ maxMessageSize: 1000 });
    const alice = await WebSocketClient.open(url);
    alice.socket.write(masked('x'.repeat(600), { last: false }));
    alice.socket.write(masked('x'.repeat(600), { opcode: opcodes.CONTINUATION, last: false }));
    await until(() => alice.ended);
    expect(alice.code).toBe(1009);
  });

  it('what comes behind in the same chunk takes no effect', async () => {
    const { server, url } = await start();
    const alice = await WebSocketClient.open(url);
    const ping = masked('p', { opcode: opcodes.PING });
    alice.socket.write(Buffer.concat([text('{'), ping, text(JSON.stringify([handshake()]))]));
    await until(() => alice.ended);
    expect(alice.code).toBe(1007);
    expect(alice.pongs).toEqual([]);
    expect(server.sessions.size).toBe(0);
  });

  it('a peer that does not close is cut off after a second', async () => {
    const { http, url, clock } = await start();
    let connection: Socket | undefined;
    http.once('connection', (socket) => {
      connection = socket;
    });
    const alice = await WebSocketClient.open(url);
    alice.socket.removeAllListeners('end');
    alice.socket.allowHalfOpen = true;
    alice.socket.write(text('{'));
    await until(() => alice.code === 1007);
    let gone = false;
    connection?.on('close', () => {
      gone = true;
    });
    await clock.tick(999);
    expect(gone).toBe(false);
    await clock.tick(1);
    await until(() => gone);
  });

  it('a socket that never spoke is closed after a minute with 1000; `[]` says nothing (WS-13)', async () => {
    const { url, clock } = await start();
    const [silent, empty, speaking] = [
      await WebSocketClient.open(url),
      await WebSocketClient.open(url),
      await WebSocketClient.open(url),
    ];
    empty.socket.write(text('[]'));
    await clock.tick(25_000);
    await until(() => silent.pings === 1 && empty.pings === 1 && speaking.pings === 1);
    await clock.tick(25_000);
    await until(() => silent.pings === 2 && empty.pings === 2 && speaking.pings === 2);
    await speaking.handshake();
    await clock.tick(9_900);
    expect(silent.code).toBeUndefined();
    await clock.tick(200);
    await until(() => silent.ended && empty.ended);
    expect([silent.code, empty.code, speaking.code]).toEqual([1000, 1000, undefined]);
  });

  it('a socket on which nothing but failures were said is closed after a minute with 1000 (WS-13)', async () => {
    const { url, clock } = await start();
    const alice = await WebSocketClient.open(url);
    expect(await alice.publish('/a', 1)).toMatchObject({ successful: false });
    await clock.tick(50_000);
    expect(await alice.publish('/a', 1)).toMatchObject({ successful: false });
    await clock.tick(10_000);
    await until(() => alice.ended);
    expect([alice.code, alice.reason]).toEqual([1000, 'no session']);
  });

  it('a socket whose session has ended is closed a minute later with 1000 (WS-13)', async () => {
    const { server, url, clock } = await start();
    const [alice, bob] = [await WebSocketClient.connected(url), await WebSocketClient.connected(url)];
    await clock.tick(15_000);
    expect(server.sessions.size).toBe(0);
    await clock.tick(15_000);
    await bob.handshake();
    await clock.tick(44_900);
    await until(() => alice.pings === 2);
    expect(alice.code).toBeUndefined();
    await clock.tick(100);
    await until(() => alice.ended);
    expect([alice.code, bob.code]).toEqual([1000, undefined]);
  });

  it('a socket that may publish without a session stays as long as it does', async () => {
    const { url, clock } = await start({ unconnectedPublish: 'allow' });
    const alice = await WebSocketClient.open(url);
    for (let at = 0; at < 3; at += 1) {
      await clock.tick(40_000);
      expect(await alice.ask({ id: `${at}`, channel: '/a', data: 1 })).toMatchObject({ successful: true });
    }
    await clock.tick(60_000);
    await until(() => alice.ended);
    expect(alice.code).toBe(1000);
  });

  it('a peer that answers no ping is cut off when the third is due; one that does stays (WS-14)', async () => {
    const { url, clock } = await start({ maxInterval: 100_000 });
    const [mute, alive] = [await WebSocketClient.shaken(url), await WebSocketClient.shaken(url)];
    mute.answersPings = false;
    for (const round of [1, 2]) {
      await clock.tick(25_000);
      await until(() => mute.pings === round && alive.pings === round);
      await settle(20);
    }
    await clock.tick(25_000);
    await until(() => mute.ended && alive.pings === 3);
    expect(mute.code).toBeUndefined();
    expect(alive.ended).toBe(false);
  });

  it('pongs do not keep a session alive, messages do', async () => {
    const { server, url, clock } = await start();
    const alice = await WebSocketClient.connected(url);
    await clock.tick(15_000);
    expect(server.sessions.size).toBe(0);
    expect(alice.ended).toBe(false);
  });

  it('a ping is answered with what it carried', async () => {
    const { url } = await start();
    const alice = await WebSocketClient.open(url);
    for (const payload of ['', 'x', 'p'.repeat(125)]) {
      alice.socket.write(masked(payload, { opcode: opcodes.PING }));
      await until(() => alice.pongs.at(-1) === payload);
    }
  });

  it('a server that closes ends its sockets with 1001, bound or not', async () => {
    const { server, url, clock } = await start();
    const held = await WebSocketClient.connected(url, '/a');
    held.hold();
    const free = await WebSocketClient.open(url);
    await until(() => [...server.sessions].some(({ state }) => state === 'held'));
    await server.close();
    await until(() => held.ended && free.ended);
    expect([held.code, free.code]).toEqual([1001, 1001]);
    expect(held.messages.at(-1)).toMatchObject({ channel: '/meta/connect', id: '2' });
    await until(() => clock.pending === 0);
  });

  it('a handshake over capacity closes 1013 (HS-14)', async () => {
    const { url } = await start({ maxSessions: 1 });
    const first = await WebSocketClient.shaken(url);
    const second = await WebSocketClient.open(url);
    second.send(handshake());
    await until(() => second.ended);
    expect(second.code).toBe(1013);
    expect(second.frames).toEqual([]);
    expect(await first.publish('/a', 1)).toMatchObject({ successful: true });
  });

  it('leaves nothing behind, however sockets went', async () => {
    const { server, url, clock } = await start();
    const clients = await Promise.all(Array.from({ length: 20 }, () => WebSocketClient.connected(url, '/a')));
    for (const [at, client] of clients.entries()) {
      if (at % 3 === 0) client.socket.destroy();
      else if (at % 3 === 1) client.socket.end();
      else client.socket.write(masked('', { opcode: opcodes.CLOSE }));
    }
    await until(() => clients.every(({ ended }) => ended));
    await clock.tick(60_000);
    expect(server.usage).toEqual({ sessions: 0, channelNodes: 0, browsers: 0, addresses: 0 });
    expect(clock.pending).toBe(0);
  });
});
