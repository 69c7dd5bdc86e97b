import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, stream } from '../support/fake-conduit.ts';

const typing = { volatile: true } as const;
const now = { advice: { timeout: 0 } };

async function polling() {
  const { server, clock } = serve({ channels: { '/typing/*': { volatile: true } } });
  return { server, clock, client: await FakeClient.connected(server) };
}

async function onSocket(options: Parameters<typeof socket>[0] = {}) {
  const { server, clock } = serve({ channels: { '/typing/*': { volatile: true } } });
  const wire = socket(options);
  return { server, clock, wire, client: await FakeClient.connected(server, wire) };
}

/** The data of what a poll brings that is answered at once. */
async function next(client: FakeClient): Promise<unknown[]> {
  return (await client.connect(now)).data;
}

describe('a volatile event (DL-14)', () => {
  it('leaves with the poll that is held', async () => {
    const { client } = await polling();
    const held = await client.connect();
    client.session.deliver('/typing/a', 1, typing);
    client.session.deliver('/a', 2);
    await client.flushed();
    expect(held.data).toEqual([1, 2]);
  });

  it('is dropped between two polls', async () => {
    const { client } = await polling();
    client.session.deliver('/a', 1, typing);
    client.session.deliver('/a', 2);
    await client.flushed();
    expect(await next(client)).toEqual([2]);
  });

  it('is dropped once its poll was answered, in the same turn too', async () => {
    const { client } = await polling();
    const held = await client.connect();
    client.session.deliver('/a', 1, typing);
    client.lose(held);
    client.session.deliver('/a', 2, typing);
    expect(await next(client)).toEqual([]);
  });

  it('does not come with a newer poll that replaces the held one', async () => {
    const { client } = await polling();
    await client.connect();
    client.session.deliver('/a', 1, typing);
    expect(await next(client)).toEqual([]);
  });

  it('is not lazy: it does not wait', async () => {
    const { client } = await polling();
    const held = await client.connect();
    client.session.deliver('/a', 1, { volatile: true, lazy: true });
    await client.flushed();
    expect(held.data).toEqual([1]);
  });

  it('is dropped when it does not fit into the response', async () => {
    const { client } = await polling();
    const held = await client.connect({}, exchange({ maxBytes: 400 }));
    client.session.deliver('/a', 'x'.repeat(300));
    client.session.deliver('/a', 'late', typing);
    client.session.deliver('/a', 'kept');
    await client.flushed();
    expect(held.data).toEqual(['x'.repeat(300)]);
    expect(await next(client)).toEqual(['kept']);
  });

  it('leaves on a socket, and is dropped while the socket is full', async () => {
    const { client, wire } = await onSocket();
    client.session.deliver('/a', 1, typing);
    await client.flushed();
    wire.full = true;
    client.session.deliver('/a', 2, typing);
    client.session.deliver('/a', 3);
    await client.flushed();
    wire.full = false;
    wire.session?.flush();
    expect(wire.data).toEqual([1, 3]);
  });

  it('is dropped when its socket breaks, and does not come with the next', async () => {
    const { client, wire } = await onSocket({ slow: true });
    client.session.deliver('/a', 1, typing);
    await client.flushed();
    client.session.deliver('/a', 2, typing);
    client.lose(wire);
    client.session.deliver('/a', 3, typing);
    const second = socket();
    await client.connect({}, second);
    await client.flushed();
    expect(second.data).toEqual([]);
  });

  it('does not come on an event stream that was opened later', async () => {
    const { server, client } = await polling();
    client.session.deliver('/a', 1, typing);
    const wire = stream();
    void server.joinStream(client.clientId, wire);
    await client.flushed();
    client.session.deliver('/a', 2, typing);
    await client.flushed();
    expect(wire.data).toEqual([2]);
  });

  it('is dropped while the client asks for no events (ext.flow)', async () => {
    const { client, wire } = await onSocket();
    await client.connect({ ext: { flow: { credit: 0 } } }, wire);
    client.session.deliver('/a', 1, typing);
    client.session.deliver('/a', 2);
    await client.connect({}, wire);
    await client.flushed();
    expect(wire.data).toEqual([2]);
  });

  it('leaves with the connect of a client that acknowledges, once', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server, exchange(), { ext: { ack: true } });
    const held = await client.connect({ ext: { ack: 1 } });
    client.session.deliver('/a', 1, typing);
    await client.flushed();
    expect(held.data).toEqual([1]);
    client.session.deliver('/a', 2, typing);
    expect((await client.connect({ ext: { ack: 1 }, ...now })).data).toEqual([]);
  });

  it('is dropped without a gap, and without the event overflow', async () => {
    const { server, client } = await polling();
    const overflows: unknown[] = [];
    server.on('overflow', (event) => overflows.push(event));
    client.session.deliver('/a', 1, typing);
    const { reply } = await client.connect(now);
    expect([reply.ext, overflows]).toEqual([undefined, []]);
  });
});

describe('a channel whose rule is volatile', () => {
  it('has volatile events, whoever publishes', async () => {
    const { server, client } = await polling();
    const bob = await FakeClient.connected(server);
    await client.subscribe('/typing/*');
    const publishAll = async () => {
      await server.publish('/typing/a', 'server');
      await bob.publish('/typing/a', 'bob');
      client.session.deliver('/typing/a', 'session');
      await client.flushed();
    };
    await publishAll();
    const held: FakeConduit = await client.connect();
    expect(held.messages).toEqual([]);
    await publishAll();
    expect(new Set(held.data)).toContain('server');
    expect(await next(client)).toEqual([]);
  });

  it('has others where the publisher says so', async () => {
    const { server, client } = await polling();
    await client.subscribe('/typing/*');
    await server.publish('/typing/a', 'kept', { volatile: false });
    expect(await next(client)).toEqual(['kept']);
  });

  it('stores no event, even if it is durable', async () => {
    const { server } = serve({ channels: { '/typing/*': { volatile: true, history: true } } });
    const client = await FakeClient.connected(server);
    await server.publish('/typing/a', 1);
    await client.subscribe('/typing/a');
    await client.send(
      client.message('/meta/subscribe', { subscription: '/typing/*', ext: { replay: { '/typing/*': -2 } } }),
    );
    await client.flushed();
    expect(await next(client)).toEqual([]);
  });
});
