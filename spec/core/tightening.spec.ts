import { describe, expect, it } from 'vitest';
import type { ServerSettings } from '../../src/server.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, stream, type Wire } from '../support/fake-conduit.ts';
import { settle } from '../support/until.ts';

/** As CometD's client connects after a failure. */
const afterLoss = { advice: { timeout: 0 } };

/** A server that keeps `/d/**`, and a client that wants to be told where it stands. */
async function tightened(settings: ServerSettings = {}, ext: Wire = {}, conduit?: FakeConduit) {
  const { server, clock } = serve({ channels: { '/d/**': { history: true } }, ...settings });
  await server.open();
  const client = await FakeClient.connected(server, conduit, { ext: { replayTighten: true, ...ext } });
  let newest = 0;
  const all = await server.localSession();
  await all.subscribe('/**', ({ ext: said }) => {
    newest = Number(said?.replayId ?? newest);
  });
  const publish = async (channel: string, data: unknown = 0) => {
    await server.publish(channel, data);
    await settle();
    return newest;
  };
  return { server, clock, client, publish };
}

/** A connect that is answered at once because something else came with it (CN-6). */
const connect = (client: FakeClient, fields: Wire = {}, conduit = exchange()) =>
  client.send(
    [client.message('/meta/connect', fields), client.message('/meta/unsubscribe', { subscription: '/x' })],
    conduit,
  );

const extOf = ({ replies }: FakeConduit) =>
  replies.find(({ channel }) => channel === '/meta/connect')?.ext as Wire | undefined;
const told = (conduit: FakeConduit): unknown => extOf(conduit)?.replay;

describe('a client that wants to know where it stands (RP-17)', () => {
  it('is told with each connect reply, for each durable subscription', async () => {
    const { client, publish } = await tightened();
    expect(told(await connect(client))).toBeUndefined();
    await client.subscribe(['/d/a', '/d/*', '/**', '/plain', '/plain/*']);
    const id = await publish('/d/other');
    expect(told(await connect(client))).toEqual({ '/d/a': id, '/d/*': id, '/**': id });
    const next = await publish('/d/quiet/elsewhere');
    expect(told(await connect(client))).toEqual({ '/d/a': next, '/d/*': next, '/**': next });
  });

  it('is not, if it did not ask, or nothing is kept', async () => {
    const { server, publish } = await tightened();
    const other = await FakeClient.connected(server);
    await other.subscribe('/d/a');
    await publish('/d/a');
    expect(told(await connect(other))).toBeUndefined();
    const { client } = await tightened({ channels: {} });
    await client.subscribe('/d/a');
    expect(told(await connect(client))).toBeUndefined();
    expect(client.session.deliverOnly).toBe(false);
  });

  it('is told with the reply that brings the events, and not while more wait', async () => {
    const { client, publish } = await tightened();
    await client.subscribe('/d/a');
    await publish('/d/a', 1);
    const id = await publish('/d/a', 2);
    const small = () => exchange({ maxBytes: 355 });
    const first = await client.connect({}, small());
    expect([first.data, told(first)]).toEqual([[1], undefined]);
    const second = await client.connect({}, small());
    expect([second.data, told(second)]).toEqual([[2], { '/d/a': id }]);
  });

  it('gets events with connect replies only, of which it is known whether they came', async () => {
    const wire = socket();
    const { server, client, publish } = await tightened({}, {}, wire);
    await client.subscribe('/d/a', wire);
    expect(server.joinStream(client.clientId, stream())).toBe(false);
    await client.connect({}, wire);
    const before = wire.messages.length;
    const id = await publish('/d/a', 1);
    expect(wire.messages.slice(before)).toMatchObject([
      { data: 1 },
      { channel: '/meta/connect', ext: { replay: { '/d/a': id } } },
    ]);
  });

  it('is told nothing while a replay runs', async () => {
    const { client, publish } = await tightened();
    for (let at = 0; at < 600; at += 1) void publish('/d/a', at);
    await settle();
    const id = await publish('/d/a', 600);
    await client.send(
      client.message('/meta/subscribe', { subscription: '/d/a', ext: { replay: { '/d/a': -2 } } }),
    );
    await client.subscribe('/d/b');
    await settle();
    const first = await connect(client);
    expect([first.data.length, told(first)]).toEqual([500, undefined]);
    await settle();
    const second = await connect(client);
    expect([second.data.length, told(second)]).toEqual([101, { '/d/a': id, '/d/b': id }]);
  });

  it('is told nothing while an older response is on its way', async () => {
    const { client, publish } = await tightened();
    await client.subscribe('/d/a');
    const id = await publish('/d/a', 1);
    const slow = exchange({ slow: true });
    await connect(client, {}, slow);
    expect(told(slow)).toEqual({ '/d/a': id });
    expect(told(await connect(client))).toBeUndefined();
    client.lose(slow);
    const again = await connect(client);
    expect(again.data).toEqual([1]);
  });
});

describe('where a reply was lost', () => {
  /** Loses the reply that follows, with an event or without; the next connect shows it. */
  async function lose(event: boolean, settings: ServerSettings = {}, ext: Wire = {}) {
    const { client, publish } = await tightened(settings, ext);
    await client.subscribe('/d/a');
    // What came before has arrived, as the connect after it shows.
    await publish('/d/a', 0);
    const before = Number(extOf(await connect(client))?.ack);
    const seen = Number(extOf(await connect(client, { ext: { ack: before } }))?.ack);
    const id = await publish(event ? '/d/a' : '/d/b', 1);
    const lost = await connect(client, { ext: { ack: seen } });
    expect([lost.data.length, told(lost)]).toEqual([event ? 1 : 0, { '/d/a': id }]);
    return { client, publish, id, again: await client.connect({ ...afterLoss, ext: { ack: seen } }) };
  }

  it('with an event that nothing brings again, nothing is told any more', async () => {
    const { again, client, publish } = await lose(true);
    expect([again.data, told(again)]).toEqual([[], undefined]);
    await publish('/d/a', 2);
    const later = await connect(client);
    expect([later.data, told(later)]).toEqual([[2], undefined]);
  });

  it('without any, all goes on', async () => {
    const { again, id } = await lose(false);
    expect(told(again)).toEqual({ '/d/a': id });
  });

  it.each([
    ['ack', {}, { ack: true }],
    ['resend', { redelivery: 'resend' }, {}],
  ] as const)('and comes again, all goes on (%s)', async (_name, settings, ext) => {
    const { again, id } = await lose(true, settings, ext);
    expect([again.data, told(again)]).toEqual([[1], { '/d/a': id }]);
  });

  it('is not told any more once something was dropped that had not left', async () => {
    const overflow = { action: 'dropOldest', maxEvents: 1 } as const;
    const { client, publish } = await tightened({ channels: { '/d/**': { history: true, overflow } } });
    await client.subscribe('/d/a');
    await publish('/d/a', 1);
    expect(told(await connect(client))).toBeDefined();
    await publish('/d/a', 2);
    await publish('/d/a', 3);
    const reply = await connect(client);
    expect([reply.data.length, told(reply)]).toEqual([1, undefined]);
  });
});
