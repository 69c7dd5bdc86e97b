import { constants, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { inflated } from '../../src/transports/websocket-deflate.ts';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { handshake, masked, WebSocketClient } from './websocket-client.ts';

const compressing = { websocket: { perMessageDeflate: true } } as const;

/** Opens a socket that offers extensions; says what was agreed on. */
async function offering(url: string, extensions: string): Promise<[WebSocketClient, string | undefined]> {
  const client = await WebSocketClient.open(url, { 'Sec-WebSocket-Extensions': extensions });
  return [client, /^sec-websocket-extensions: (.*)$/im.exec(client.response)?.[1]];
}

const plain = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

const deflated = (text: string | Buffer) =>
  masked(deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4), { rsv1: true });

describe('permessage-deflate (WS-16)', () => {
  it.each([
    ['permessage-deflate', plain],
    ['permessage-deflate; client_max_window_bits', plain],
    ['permessage-deflate; client_max_window_bits=10; server_no_context_takeover', plain],
    ['permessage-deflate; server_max_window_bits=15', `${plain}; server_max_window_bits=15`],
    ['permessage-deflate; server_max_window_bits=10, permessage-deflate', plain],
    ['x-other, permessage-deflate', plain],
    ['permessage-deflate; server_max_window_bits=10', undefined],
    ['permessage-deflate; server_max_window_bits', undefined],
    ['permessage-deflate; client_max_window_bits=7', undefined],
    ['permessage-deflate; server_no_context_takeover=1', undefined],
    ['permessage-deflate; unheard_of', undefined],
    ['permessage-deflate; toString', undefined],
    ['x-other', undefined],
  ])('answers the offer «%s»', async (offer, answer) => {
    const { url } = await start(compressing);
    const [client, agreed] = await offering(url, offer);
    expect(client.status).toBe(101);
    expect(agreed).toBe(answer);
  });

  it('is not agreed to unless configured', async () => {
    const { url } = await start();
    const [client, agreed] = await offering(url, 'permessage-deflate');
    expect(agreed).toBeUndefined();
    client.socket.write(deflated(JSON.stringify([handshake()])));
    await until(() => client.ended);
    expect(client.code).toBe(1002);
  });

  it('refuses an offer that is no list of extensions', async () => {
    const { url } = await start(compressing);
    const [client] = await offering(url, 'permessage-deflate; =');
    expect(client.status).toBe(400);
  });

  it('reads compressed and plain messages, whole or in fragments, in order', async () => {
    const { url } = await start(compressing);
    const [alice] = await offering(url, 'permessage-deflate');
    alice.socket.write(deflated(JSON.stringify([handshake()])));
    await until(() => alice.frames.length === 1);
    alice.clientId = String(alice.messages[0]?.clientId);
    const messages = [0, 1, 2, 3].map((data) => alice.message('/a', { data: `é${data}`.repeat(300) }));
    for (const [at, message] of messages.entries()) {
      const text = JSON.stringify([message]);
      alice.socket.write(at % 2 === 0 ? deflated(text) : masked(text));
    }
    await until(() => alice.messages.length === 5);
    expect(alice.messages.slice(1).map(({ id, successful }) => [id, successful])).toEqual(
      messages.map(({ id }) => [id, true]),
    );
  });

  it('compresses an event once for all who agreed, and not for the others', async () => {
    const { server, url } = await start(compressing);
    const clients: WebSocketClient[] = [];
    for (const offer of ['permessage-deflate', 'permessage-deflate', 'x-other']) {
      const [client] = await offering(url, offer);
      await client.handshake();
      await client.connected('/n');
      clients.push(client);
    }
    const data = 'much of the same '.repeat(1000);
    await server.publish('/n', data);
    await until(() => clients.every((client) => client.data('/n').length === 1));
    expect(clients.map((client) => client.data('/n'))).toEqual([[data], [data], [data]]);
    const [first, second, third] = clients.map(({ payloads }) => payloads.at(-1));
    expect(first?.length).toBeLessThan(500);
    expect(second).toEqual(first);
    expect(third?.length).toBeGreaterThan(17_000);
  });

  it('stops inflating at the limit: a bomb closes 1009 and costs next to nothing', async () => {
    const { url } = await start(compressing);
    // Each part of a kilobyte inflates to a mebibyte.
    const part = deflateRawSync(Buffer.alloc(1_048_576), { finishFlush: constants.Z_FULL_FLUSH });
    const bomb = Buffer.concat(Array.from({ length: Math.floor(1_048_000 / part.length) }, () => part));
    const [alice] = await offering(url, 'permessage-deflate');
    const frame = masked(bomb.subarray(0, -4), { rsv1: true });
    const before = process.memoryUsage();
    alice.socket.write(frame);
    await until(() => alice.ended);
    const after = process.memoryUsage();
    expect(alice.code).toBe(1009);
    expect(after.rss - before.rss).toBeLessThan(20_000_000);
  });

  it('gives up at the limit, whatever a message would inflate to', () => {
    const compressed = (text: string) =>
      deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    expect(inflated(compressed(' '.repeat(1000)), 1000)).toHaveLength(1000);
    for (const length of [1001, 33_554_432])
      expect(() => inflated(compressed(' '.repeat(length)), 1000)).toThrow(RangeError);
  });

  it('closes 1007 on what does not inflate', async () => {
    const { url } = await start(compressing);
    const [alice] = await offering(url, 'permessage-deflate');
    alice.socket.write(masked(Buffer.from([0x06, 0xff, 0xff, 0xff]), { rsv1: true }));
    await until(() => alice.ended);
    expect(alice.code).toBe(1007);
  });
});
