import { describe, expect, it } from 'vitest';
import type { ServerSettings } from '../../src/server.ts';
import { FakeClient, handshake, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, stream, type Wire } from '../support/fake-conduit.ts';

const acked = { ext: { ack: true } };

/** A client that asked for acknowledgements and has connected once. */
async function open(settings: ServerSettings = {}, via?: FakeConduit) {
  const { server, clock } = serve(settings);
  const client = await FakeClient.open(server, via, acked);
  const connect = (seen: unknown, fields: Wire = {}, conduit = exchange()) =>
    client.connect({ ext: { ack: seen }, ...fields }, conduit);
  const first = await connect(0, {}, via?.shape === 'socket' ? via : exchange());
  const deliver = async (...data: readonly unknown[]) => {
    for (const one of data) client.session.deliver('/a', one);
    await client.flushed();
  };
  return { server, clock, client, connect, deliver, first };
}

/** What a response brought: its events' data, and the batch of its connect reply. */
const brought = ({ data, replies }: FakeConduit) => [data, (replies.at(-1)?.ext as Wire | undefined)?.ack];

const now = { advice: { timeout: 0 } };

describe('acknowledgements (AK-1 to AK-10)', () => {
  it.each([
    [true, { ack: true }, true],
    [false, undefined, false],
    ['true', undefined, false],
    [{ enabled: true }, undefined, false],
    [undefined, undefined, false],
  ])('asked for with %j are answered with %j (AK-1)', async (asked, answered, on) => {
    const { server } = serve();
    const wire = exchange();
    const client = await FakeClient.open(server, wire, asked === undefined ? {} : { ext: { ack: asked } });
    expect(wire.reply.ext).toEqual(answered);
    expect(client.session.deliverOnly).toBe(on);
    const first = await client.connect({ ext: { ack: 0 } });
    expect(first.reply.ext).toEqual(on ? { ack: 1 } : undefined);
  });

  it('are not agreed to by a server that has them off, nor after a handshake that failed', async () => {
    const off = exchange();
    await FakeClient.open(serve({ ack: false }).server, off, acked);
    expect(off.reply.ext).toBeUndefined();
    const { server } = serve({ policy: { canHandshake: () => false } });
    const wire = exchange();
    await server.receive(server.decode(JSON.stringify(handshake(acked))), wire);
    expect(wire.reply).toMatchObject({ successful: false });
    expect(wire.reply.ext).toBeUndefined();
  });

  it('say with a handshake that brings events which batch these are (AK-1)', async () => {
    const early = {
      name: 'early',
      opened: (session: { deliver(channel: string, data: unknown): void }) => session.deliver('/a', 1),
    };
    const { server } = serve({ extensions: [early], handshakeDelivery: true });
    const wire = exchange();
    const client = await FakeClient.open(server, wire, acked);
    expect(wire.messages).toMatchObject([
      { channel: '/meta/handshake', ext: { ack: { enabled: true, batch: 1 } }, 'x-messages': 1 },
      { channel: '/a', data: 1 },
    ]);
    const next = await client.connect({ ext: { ack: 1 } });
    expect(brought(next)).toEqual([[], 2]);
    // Without the events there is no batch to speak of.
    const silent = exchange();
    await FakeClient.open(serve({ handshakeDelivery: true }).server, silent, acked);
    expect(silent.reply.ext).toEqual({ ack: true });
  });

  it('number every successful connect reply, empty or not, and no other (AK-2, AK-10)', async () => {
    const { connect, client, clock, deliver, first } = await open();
    expect(brought(first)).toEqual([[], 1]);
    const held = await connect(1);
    await clock.tick(30_000);
    expect(brought(held)).toEqual([[], 2]);
    expect(brought(await connect(2, now))).toEqual([[], 3]);
    await deliver(1);
    const failed = await connect(3, { connectionType: 'flash' });
    expect(failed.messages).toEqual([expect.not.objectContaining({ ext: expect.anything() })]);
    expect(failed.reply.successful).toBe(false);
    for (const other of [await client.subscribe('/a'), await client.publish('/x', 1)]) {
      expect([other.messages.length, other.reply.ext]).toEqual([1, undefined]);
    }
    expect(brought(await connect(3))).toEqual([[1], 4]);
  });

  it('keep what a reply brought that was lost, and bring it again under a new number (AK-4)', async () => {
    const { connect, deliver } = await open();
    const lost = await connect(1);
    await deliver('a');
    expect(brought(lost)).toEqual([['a'], 2]);
    await deliver('b');
    const again = await connect(1, now);
    expect(brought(again)).toEqual([['a', 'b'], 3]);
    const held = await connect(3);
    expect(held.messages).toEqual([]);
    await deliver('c');
    expect(brought(held)).toEqual([['c'], 4]);
  });

  it('have a connect answered at once that left something unacknowledged, though nothing is new (AK-5)', async () => {
    const { connect, deliver } = await open();
    await connect(1);
    await deliver('a');
    expect(brought(await connect(1))).toEqual([['a'], 3]);
  });

  it.each([[99], [1e300]])('take batch %j for the last one closed (AK-6)', async (bogus) => {
    const { connect, deliver } = await open();
    const held = await connect(1);
    await deliver('a');
    expect(brought(held)).toEqual([['a'], 2]);
    const next = await connect(bogus);
    expect(next.messages).toEqual([]);
    await deliver('never sent');
    expect(brought(next)).toEqual([['never sent'], 3]);
  });

  it.each([[-1], [2.5], ['2'], [null], [{}], [[2]], [true], [undefined]])(
    'let nothing go for %j (AK-6)',
    async (bogus) => {
      const { connect, deliver } = await open();
      await connect(1);
      await deliver('a');
      expect(brought(await connect(bogus, now))).toEqual([['a'], 3]);
    },
  );

  it('let nothing go that was not sent when a reply could carry no events', async () => {
    const { connect, deliver, client } = await open();
    const stuck = exchange({ slow: true });
    await connect(1, {}, stuck);
    await deliver('a');
    expect(brought(stuck)).toEqual([['a'], 2]);
    const empty = await connect(1, now);
    expect(brought(empty)).toEqual([[], 3]);
    stuck.die();
    expect(brought(await connect(3, now))).toEqual([['a'], 4]);
    client.lose(stuck);
  });

  it('bring what was not handed over whole once, not twice', async () => {
    const { connect, deliver } = await open();
    const stuck = exchange({ slow: true });
    await connect(1, {}, stuck);
    await deliver('a', 'b');
    const held = await connect(1);
    expect(held.messages).toEqual([]);
    await deliver('c');
    expect(held.messages).toEqual([]);
    stuck.die();
    await deliver();
    expect(brought(held)).toEqual([['a', 'b', 'c'], 3]);
  });

  it('close a batch where a response was full, and answer the next connect with the rest (AK-4, DL-11)', async () => {
    const { connect, deliver } = await open();
    await deliver(1, 2, 3, 4, 5);
    const small = () => exchange({ maxBytes: 300 });
    expect(brought(await connect(1, {}, small()))).toEqual([[1, 2], 2]);
    expect(brought(await connect(2, {}, small()))).toEqual([[3, 4], 3]);
    expect(brought(await connect(2, {}, small()))).toEqual([[3, 4], 4]);
    expect(brought(await connect(4, {}, small()))).toEqual([[5], 5]);
    expect((await connect(5)).messages).toEqual([]);
  });

  it('put the events and the reply of a batch into one frame (AK-8)', async () => {
    const wire = socket();
    const { connect, deliver } = await open({}, wire);
    wire.batches.length = 0;
    await connect(1, {}, wire);
    await deliver('a', 'b');
    expect(wire.batches).toEqual([
      [
        { channel: '/a', data: 'a' },
        { channel: '/a', data: 'b' },
        expect.objectContaining({ channel: '/meta/connect', ext: { ack: 2 } }),
      ],
    ]);
  });

  it('use consecutive frames where one would be too large, the reply in the last (AK-8, DL-11)', async () => {
    const wire = socket({ maxBytes: 60 });
    const { connect, deliver } = await open({}, wire);
    wire.batches.length = 0;
    await connect(1, {}, wire);
    await deliver(1, 2, 3);
    const frames = wire.batches.map((batch) => batch.map(({ data, ext }) => data ?? ext));
    expect(frames).toEqual([
      [1, 2],
      [3, { ack: 2 }],
    ]);
    await connect(2, {}, wire);
    expect(wire.batches).toHaveLength(2);
  });

  it('send nothing on a WebSocket while no connect is held (AK-1, CN-14)', async () => {
    const wire = socket();
    const { connect, deliver } = await open({}, wire);
    wire.batches.length = 0;
    await deliver('a');
    expect(wire.batches).toEqual([]);
    await connect(1, {}, wire);
    expect(brought(wire)).toEqual([['a'], 2]);
  });

  it('refuse a stream, since nothing could come by it (CN-14)', async () => {
    const { server, client } = await open();
    expect(server.joinStream(client.clientId, stream())).toBe(false);
  });

  it('survive any change of transport (AK-7)', async () => {
    const { server, client, connect, deliver } = await open();
    await connect(1);
    await deliver('a');
    const wire = socket();
    await connect(1, {}, wire);
    expect(brought(wire)).toEqual([['a'], 3]);
    await connect(3, {}, wire);
    await deliver('b');
    expect(brought(wire)).toEqual([['a', 'b'], 4]);
    server.lost(wire.die());
    await deliver('c');
    const back = await connect(3);
    expect(brought(back)).toEqual([['b', 'c'], 5]);
    const other = socket();
    await connect(5, {}, other);
    expect(other.messages).toEqual([]);
    await client.disconnect(other);
    expect(brought(other)).toEqual([[], undefined]);
    expect(other.replies[0]?.ext).toEqual({ ack: 6 });
  });

  it('start again from 0 after a page was loaded anew: nothing is let go (AK-3, RL-1)', async () => {
    const { connect, deliver } = await open();
    const held = await connect(1);
    await deliver('a');
    expect(brought(held)).toEqual([['a'], 2]);
    await connect(2);
    await deliver('b');
    expect(brought(await connect(0, now))).toEqual([['b'], 4]);
  });

  it('end the session where all that may wait was sent, whatever the options say of it (AK-9)', async () => {
    const { server, clock, connect, client, deliver } = await open({
      maxQueue: 2,
      queueOverflow: 'dropOldest',
    });
    const told: unknown[] = [];
    server.on('overflow', ({ action }) => told.push(action));
    server.on('session.closed', ({ reason }) => told.push(reason));
    const held = await connect(1);
    client.session.deliver('/a', 'a');
    await deliver('b');
    expect([brought(held), client.session.state]).toEqual([[['a', 'b'], 2], 'idle']);
    await deliver('c');
    expect([client.session.state, told]).toEqual(['gone', ['disconnect', 'overflow']]);
    expect([server.usage.sessions, clock.pending]).toEqual([0, 0]);
  });

  it('bring a gap again with what tells of it, until that is acknowledged', async () => {
    const { connect, client, deliver } = await open({
      channels: { '/a': { overflow: { action: 'dropOldest', maxEvents: 2 } } },
    });
    await deliver('a', 'b', 'c', 'd');
    const lost = await connect(1);
    expect(lost.events.map(({ data, ext }) => [data, ext])).toEqual([
      ['c', { gap: { count: 2 } }],
      ['d', undefined],
    ]);
    const again = await connect(1);
    expect(again.events).toEqual(lost.events);
    client.session.deliver('/a', 'lazy', { lazy: true });
    await deliver('e', 'f');
    expect((await connect(3)).events).toMatchObject([
      { data: 'e', ext: { gap: { count: 1 } } },
      { data: 'f' },
    ]);
  });

  it('have gaps that no event is left to tell of told again by each reply, until one of them is acknowledged', async () => {
    const { connect, deliver } = await open({
      channels: { '/a': { overflow: { action: 'dropNewest', maxEvents: 1 } } },
    });
    await deliver('a', 'b');
    const told = { gap: { '/a': { count: 1 } } };
    expect((await connect(1)).reply.ext).toEqual({ ack: 2, ...told });
    expect((await connect(1, now)).reply.ext).toEqual({ ack: 3, ...told });
    expect((await connect(3, now)).reply.ext).toEqual({ ack: 4 });
  });

  it('wait for lazy events no longer than others do, and then for nothing', async () => {
    const { connect, client, clock } = await open();
    const held = await connect(1);
    client.session.deliver('/a', 'lazy', { lazy: true });
    await client.flushed();
    expect(held.messages).toEqual([]);
    await clock.tick(5_000);
    expect(brought(held)).toEqual([['lazy'], 2]);
    // Sent once, it is late enough.
    expect(brought(await connect(1))).toEqual([['lazy'], 3]);
  });

  it('keep no volatile event', async () => {
    const { connect, client } = await open();
    const held = await connect(1);
    client.session.deliver('/a', 'now or never', { volatile: true });
    client.session.deliver('/a', 'kept');
    await client.flushed();
    expect(brought(held)).toEqual([['now or never', 'kept'], 2]);
    expect(brought(await connect(1, now))).toEqual([['kept'], 3]);
  });

  it('speak in a batch of several connects each for its own session', async () => {
    const { server, client, deliver } = await open();
    const other = await FakeClient.open(server, exchange(), acked);
    await deliver('a');
    const wire = await client.send([
      client.message('/meta/connect', { ext: { ack: 1 } }),
      other.message('/meta/connect', { ext: { ack: 0 } }),
    ]);
    expect([wire.data, wire.replies.map(({ ext }) => ext)]).toEqual([['a'], [{ ack: 2 }, undefined]]);
  });
});
