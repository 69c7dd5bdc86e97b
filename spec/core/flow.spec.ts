import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket, stream } from '../support/fake-conduit.ts';

const credit = (n: unknown) => ({ ext: { flow: { credit: n } } });
const shortly = { advice: { timeout: 0 } };

async function open(via?: Parameters<typeof FakeClient.connected>[1]) {
  const { server, clock } = serve();
  const client = await FakeClient.connected(server, via);
  const deliver = async (...data: readonly number[]) => {
    for (const one of data) client.session.deliver('/a', one);
    await client.flushed();
  };
  return { server, clock, client, deliver };
}

describe('flow credit (at most so many events until the next connect)', () => {
  it('holds until the next connect, and one without it lifts it', async () => {
    const { client, deliver } = await open();
    await deliver(1, 2, 3, 4, 5);
    expect((await client.connect(credit(2))).data).toEqual([1, 2]);
    expect((await client.publish('/x', 1)).data).toEqual([]);
    expect((await client.connect(credit(1))).data).toEqual([3]);
    expect((await client.connect()).data).toEqual([4, 5]);
  });

  it('counts what goes by any conduit', async () => {
    const { client, deliver } = await open();
    await client.connect({ ...credit(3), ...shortly });
    await deliver(1, 2, 3, 4);
    const small = exchange({ maxBytes: 110 });
    expect((await client.publish('/x', 1, small)).data).toEqual([1, 2]);
    expect((await client.publish('/x', 1)).data).toEqual([3]);
    expect((await client.publish('/x', 1)).data).toEqual([]);
  });

  it('of 0 holds the connect, whatever waits, and the timeout answers it', async () => {
    const { client, deliver, clock } = await open();
    await deliver(1);
    const held = await client.connect(credit(0));
    await deliver(2);
    expect([held.messages, client.session.state]).toEqual([[], 'held']);
    await clock.tick(30_000);
    expect([held.data, held.reply.successful]).toEqual([[], true]);
    expect((await client.connect(credit(5))).data).toEqual([1, 2]);
  });

  it.each([[-1], [1.5], ['2'], [null], [undefined], [[1]]])(
    'of %j is none: all that waits may leave',
    async (strange) => {
      const { client, deliver } = await open();
      await client.connect({ ...credit(1), ...shortly });
      await deliver(1, 2, 3);
      expect((await client.connect(credit(strange))).data).toEqual([1, 2, 3]);
    },
  );

  it.each([[7], [null], ['credit'], [[]], [{}]])('is none where ext.flow is %j', async (flow) => {
    const { client, deliver } = await open();
    await client.connect({ ...credit(0), ...shortly });
    await deliver(1, 2);
    expect((await client.connect({ ext: { flow } })).data).toEqual([1, 2]);
  });

  it('stops a WebSocket in mid-stream, until a connect brings more', async () => {
    const wire = socket({ maxBytes: 60 });
    const { client, deliver } = await open(wire);
    await client.connect({ ...credit(3), ...shortly }, wire);
    await deliver(1, 2, 3, 4, 5);
    expect([wire.data, client.session.outbox.size]).toEqual([[1, 2, 3], 2]);
    await client.connect(credit(1), wire);
    await client.flushed();
    expect(wire.data).toEqual([1, 2, 3, 4]);
    await client.connect({}, wire);
    await client.flushed();
    expect(wire.data).toEqual([1, 2, 3, 4, 5]);
  });

  it('stops what rides on the replies of a WebSocket that is delivered to by connects', async () => {
    const wire = socket({ maxBytes: 60 });
    const { client, deliver } = await open(wire);
    client.session.deliverOnly = true;
    await deliver(1, 2, 3, 4, 5);
    await client.connect({ ...credit(3), ...shortly }, wire);
    expect(wire.data).toEqual([1, 2, 3]);
  });

  it('stops an event stream', async () => {
    const { client, deliver, server } = await open();
    const feed = stream();
    expect(server.joinStream(client.clientId, feed)).toBe(true);
    await client.connect({ ...credit(1), connectionType: 'eventsource' });
    await deliver(1, 2);
    expect(feed.data).toEqual([1]);
    await client.connect({ connectionType: 'eventsource' });
    await client.flushed();
    expect(feed.data).toEqual([1, 2]);
  });

  it('is not given back for what was not handed over whole', async () => {
    const { client, deliver } = await open();
    await deliver(1, 2, 3);
    const lost = exchange({ slow: true });
    await client.connect(credit(2), lost);
    client.lose(lost);
    expect((await client.publish('/x', 1)).data).toEqual([]);
    expect((await client.connect(credit(2))).data).toEqual([1, 2]);
  });

  it('keeps lazy events too', async () => {
    const { client, clock } = await open();
    const held = await client.connect(credit(0));
    client.session.deliver('/a', 1, { lazy: 10 });
    await clock.tick(1000);
    expect([held.messages, client.session.state]).toEqual([[], 'held']);
    expect((await client.connect()).data).toEqual([1]);
  });

  it('is each session’s own', async () => {
    const { client, deliver, server } = await open();
    const other = await FakeClient.connected(server);
    await client.connect({ ...credit(0), ...shortly });
    await deliver(1);
    other.session.deliver('/a', 2);
    expect((await other.connect()).data).toEqual([2]);
  });

  it('that is used up on a socket ends the held connect, so that the client can ask for more', async () => {
    const wire = socket();
    const { client, deliver } = await open(wire);
    await client.connect(credit(2), wire);
    const answered = () => wire.replies.filter(({ channel }) => channel === '/meta/connect').length;
    const before = answered();
    await deliver(1);
    expect([wire.data, answered() - before, client.session.state]).toEqual([[1], 0, 'held']);
    await deliver(2, 3);
    expect([wire.data, answered() - before, client.session.state]).toEqual([[1, 2], 1, 'idle']);
    await client.connect(credit(5), wire);
    await client.flushed();
    expect([wire.data, client.session.state]).toEqual([[1, 2, 3], 'held']);
  });
});
