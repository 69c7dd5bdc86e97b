import { describe, expect, it } from 'vitest';
import type { ReceivedMessage } from '../../src/ports/session.ts';
import { FakeClient, serve } from '../support/fake-client.ts';

const hello = Buffer.from('hello');
const wire = { data: 'xK#0@zV', last: true, meta: { name: 'greeting' } };
const ext = { binary: {} };

async function open() {
  const { server } = serve();
  const client = await FakeClient.connected(server);
  const heard: ReceivedMessage[] = [];
  const send = (channel: string, fields: object) => client.send(client.message(channel, { ext, ...fields }));
  return { server, client, heard, send, hear: (message: ReceivedMessage) => void heard.push(message) };
}

describe('binary messages (BN-1 to BN-4)', () => {
  it('are sent on untouched (BN-1)', async () => {
    const { client, send } = await open();
    await client.subscribe('/pic');
    const { events } = await send('/pic', { data: wire, ext: { ...ext, token: 'secret' } });
    expect(events).toEqual([{ channel: '/pic', data: wire, ext }]);
    const nonsense = { data: ',,,' };
    expect((await send('/pic', { data: nonsense })).events).toMatchObject([{ data: nonsense, ext }]);
  });

  it.each(['/pic', '/service/pic'])('on %s are heard as bytes (BN-2)', async (channel) => {
    const { server, client, send, heard, hear } = await open();
    server.subscribe(channel, hear);
    await client.subscribe('/pic');
    const { events, replies } = await send(channel, { data: wire });
    expect(replies).toMatchObject([{ successful: true }]);
    expect(events.map(({ data }) => data)).toEqual(channel === '/pic' ? [wire] : []);
    const [message] = heard;
    expect(message).toMatchObject({ channel, ext, data: { last: true, meta: { name: 'greeting' } } });
    expect(message?.data).toHaveProperty('data', new Uint8Array(hello));
  });

  it('without `ext.binary` are ordinary messages', async () => {
    const { server, send, heard, hear } = await open();
    server.subscribe('/**', hear);
    for (const other of [{}, { binary: true }, { binary: null }])
      await send('/pic', { data: wire, ext: other });
    expect(heard.map(({ data }) => data)).toEqual([wire, wire, wire]);
  });

  it.each([
    ['a foreign character', { data: '0r,0' }],
    ['a length of 1 modulo 5', { data: '000000' }],
    ['a group above 2^32 - 1', { data: '#####' }],
    ['bytes that are no text', { data: [1, 2] }],
    ['no bytes', {}],
    ['no object', 'xK#0@zV'],
    ['null', null],
  ])('with %s fail where they are heard, and nobody hears them (BN-4)', async (_what, data) => {
    const { server, client, send, heard, hear } = await open();
    server.subscribe('/**', hear);
    server.subscribe('/service/upload', hear);
    await client.subscribe('/pic');
    for (const channel of ['/service/upload', '/pic']) {
      const { messages } = await send(channel, { data });
      expect(messages).toMatchObject([{ channel, successful: false, error: '400::binary_invalid' }]);
    }
    expect(heard).toEqual([]);
  });

  it('are made of the bytes the application publishes, delivers or answers (BN-2)', async () => {
    const { server, client, send } = await open();
    await client.subscribe('/pic');
    server.onCall('/service/echo', ({ data }) => data);
    const said = { data: hello, meta: { name: 'greeting' } };
    await server.publish('/pic', said);
    await server.publish('/pic', said, { ext: { more: 1 } });
    client.session.deliver('/pic', { data: new Uint8Array(0), last: false });
    const { events } = await send('/service/echo', { data: wire });
    expect(events).toMatchObject([
      { channel: '/pic', data: wire, ext },
      { channel: '/pic', data: wire, ext: { more: 1, binary: {} } },
      { channel: '/pic', data: { data: '', last: false }, ext },
      { channel: '/service/echo', data: wire, ext, successful: true },
    ]);
  });

  it('leave alone what has no bytes in it', async () => {
    const { server, client } = await open();
    await client.subscribe('/pic');
    for (const data of [null, 1, 'x', [1], { data: 'x' }, { data: [1, 2] }])
      await server.publish('/pic', data);
    const { events } = await client.connect();
    expect(events.map((event) => [event.data, event.ext])).toEqual(
      [null, 1, 'x', [1], { data: 'x' }, { data: [1, 2] }].map((data) => [data, undefined]),
    );
  });
});
