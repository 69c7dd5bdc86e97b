import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, stream } from '../support/fake-conduit.ts';

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

describe('what was not handed over (DL-8)', () => {
  it('goes back to the head of the queue, in order, and wakes a held connect', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const broken = exchange({ slow: true });
    client.session.deliver('/a', 1);
    client.session.deliver('/a', 2);
    await client.publish('/b', 1, broken);
    expect(broken.data).toEqual([1, 2]);
    client.session.deliver('/a', 3);
    const held = await client.connect();
    client.lose(broken);
    await client.flushed();
    expect(held.data).toEqual([1, 2, 3]);
  });

  it('is repeated on the next connect, where the reply of one was lost', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const broken = exchange({ slow: true });
    await client.connect({}, broken);
    client.session.deliver('/a', 1);
    await client.flushed();
    expect(broken.data).toEqual([1]);
    client.lose(broken);
    expect((await client.connect()).data).toEqual([1]);
  });

  it.each([
    ['socket', () => socket({ slow: true })],
    ['stream', () => stream({ slow: true })],
  ])('comes back from a %s over all its batches', async (_shape, make) => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const broken = make();
    client.session.attach(broken);
    for (const data of [1, 2, 3]) {
      client.session.deliver('/a', data);
      await client.flushed();
    }
    expect(broken.batches).toHaveLength(3);
    broken.settle();
    client.session.deliver('/a', 4);
    client.lose(broken);
    expect((await client.connect()).data).toEqual([2, 3, 4]);
  });

  it('is forgotten where it is volatile', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const broken = exchange({ slow: true });
    client.session.deliver('/a', 1, { volatile: true });
    client.session.deliver('/a', 2);
    await client.publish('/b', 1, broken);
    client.lose(broken);
    expect((await client.connect()).data).toEqual([2]);
  });

  it('presses, though it was lazy', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const broken = exchange({ slow: true });
    client.session.deliver('/a', 1, { lazy: true });
    await client.publish('/b', 1, broken);
    const held = await client.connect();
    client.lose(broken);
    await client.flushed();
    expect(held.data).toEqual([1]);
  });

  it('is dropped with the session', async () => {
    const { server, clock } = serve();
    const client = await FakeClient.connected(server);
    const broken = exchange({ slow: true });
    client.session.deliver('/a', 1);
    await client.publish('/b', 1, broken);
    client.session.disconnect();
    client.lose(broken);
    expect([client.session.outbox.size, clock.pending]).toEqual([0, 0]);
  });
});

describe('at most one unfinished response', () => {
  it('carries events, so that none overtakes another', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const first = exchange({ slow: true });
    client.session.deliver('/a', 1);
    await client.publish('/b', 1, first);
    client.session.deliver('/a', 2);
    const second = await client.publish('/b', 1);
    expect([first.data, second.data]).toEqual([[1], []]);
    first.settle();
    expect((await client.publish('/b', 1)).data).toEqual([2]);
  });

  it('holds up a socket too, until it is settled', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const first = exchange({ slow: true });
    client.session.deliver('/a', 1);
    await client.publish('/b', 1, first);
    const wire = socket();
    await client.connect({}, wire);
    client.session.deliver('/a', 2);
    await client.flushed();
    expect(wire.data).toEqual([]);
    first.settle();
    await client.flushed();
    expect(wire.data).toEqual([2]);
  });

  it.each([
    ['a socket', 'a socket', () => socket(), () => socket({ slow: true })],
    ['a connect', 'a socket', () => exchange(), () => socket({ slow: true })],
    ['a socket', 'a stream', () => socket(), () => stream({ slow: true })],
    ['a connect', 'a stream', () => exchange(), () => stream({ slow: true })],
  ])(
    '%s takes over from %s that is stuck, with its events marked as repeats',
    async (_newer, _older, newer, older) => {
      const { server } = serve({ maxQueue: 5 });
      const client = await FakeClient.connected(server);
      const [stuck, next] = [older(), newer()];
      if (stuck.shape === 'stream') void server.joinStream(client.clientId, stuck);
      else await client.connect({}, stuck);
      for (const data of [1, 2, 3]) {
        client.session.deliver('/a', data);
        await client.flushed();
      }
      for (const data of [4, 5]) client.session.deliver('/a', data);
      await client.connect({ advice: { timeout: 0 } }, next);
      // More than the queue has room for, beside what came back: the client that is there takes it.
      for (const data of [6, 7, 8]) client.session.deliver('/a', data);
      await client.flushed();
      const rest = next.shape === 'exchange' ? await client.connect() : next;
      const events = next === rest ? next.events : [...next.events, ...rest.events];
      const marked = { ext: { redelivered: true } };
      expect(events).toEqual([
        ...[1, 2, 3].map((data) => ({ channel: '/a', data, ...marked })),
        ...[4, 5, 6, 7, 8].map((data) => ({ channel: '/a', data })),
      ]);
      expect([stuck.ends, stuck.alive, client.session.state]).toEqual([['overtaken'], false, 'idle']);
    },
  );

  it('on one connection of HTTP/1.1 is left in peace: what comes behind it cannot overtake', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const link = {};
    const first = exchange({ slow: true, link });
    client.session.deliver('/a', 1);
    await client.connect({}, first);
    const second = await client.connect({}, exchange({ link }));
    expect([first.ends, second.messages]).toEqual([[], []]);
    first.settle();
    client.session.deliver('/a', 2);
    await client.flushed();
    expect(second.data).toEqual([2]);
  });

  it('of a stream is not cut by the heartbeats beside it', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const busy = stream({ slow: true });
    void server.joinStream(client.clientId, busy);
    client.session.deliver('/a', 1);
    await client.flushed();
    await client.connect({ connectionType: 'eventsource' });
    expect([busy.data, busy.ends]).toEqual([[1], []]);
  });

  it('does not keep frames of one socket apart', async () => {
    const { server } = serve();
    const wire = socket({ slow: true });
    const client = await FakeClient.connected(server, wire);
    for (const data of [1, 2, 3]) {
      client.session.deliver('/a', data);
      await client.flushed();
    }
    expect(wire.data).toEqual([1, 2, 3]);
  });
});

describe('a flush', () => {
  it('comes once per turn, however much was queued (WS-6)', async () => {
    const { server } = serve();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.subscribe('/a', wire);
    wire.batches.length = 0;
    for (const at of numbers(0, 50)) await server.publish('/a', at);
    await client.flushed();
    expect([wire.batches.length, wire.data]).toEqual([1, numbers(0, 50)]);
  });

  it('fills frames up to their bytes, in order (DL-11)', async () => {
    const { server } = serve();
    const wire = socket({ maxBytes: 100 });
    const client = await FakeClient.connected(server, wire);
    wire.batches.length = 0;
    for (const at of numbers(0, 10)) client.session.deliver('/a', at);
    client.session.deliver('/a', 'x'.repeat(500));
    client.session.deliver('/a', 'last');
    await client.flushed();
    expect(wire.data).toEqual([...numbers(0, 10), 'x'.repeat(500), 'last']);
    expect(wire.batches.length).toBeGreaterThan(4);
    for (const batch of wire.batches) {
      expect(batch.length === 1 || JSON.stringify(batch).length <= 100 + batch.length + 1).toBe(true);
    }
  });

  it('leaves the rest for the next connect, which is answered at once (DL-11)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    // Beside the reply to a connect, and what may still be put into it.
    const small = () => exchange({ maxBytes: 350 });
    const held = await client.connect({}, small());
    for (const at of numbers(0, 7)) client.session.deliver('/a', at);
    await client.flushed();
    expect(held.data).toEqual([0, 1, 2, 3]);
    expect((await client.connect({}, small())).data).toEqual([4, 5, 6]);
  });

  it('wakes a connect held meanwhile with what a response had no room for', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    const held = await client.connect();
    for (const at of numbers(0, 7)) client.session.deliver('/a', at);
    expect((await client.publish('/b', 1, exchange({ maxBytes: 155 }))).data).toEqual([0, 1, 2, 3]);
    await client.flushed();
    expect(held.data).toEqual([4, 5, 6]);
  });

  it('puts the reply of a deliverOnly socket behind all its frames', async () => {
    const { server } = serve({ metaConnectDeliverOnly: true });
    const wire = socket({ maxBytes: 100 });
    const client = await FakeClient.connected(server, wire);
    wire.batches.length = 0;
    for (const at of numbers(0, 9)) client.session.deliver('/a', at);
    await client.connect({ id: 'c' }, wire);
    expect(wire.data).toEqual(numbers(0, 9));
    expect(wire.batches.length).toBeGreaterThan(1);
    expect(wire.messages.at(-1)).toMatchObject({ id: 'c' });
  });
});

describe('ten thousand events', () => {
  it('keep their order over every way there is, each once, while ways come and go (DL-2)', async () => {
    const { server } = serve();
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    const ways: FakeConduit[] = [];
    const settled: unknown[] = [];
    let wire: FakeConduit | undefined;
    let sent = 0;
    for (let round = 0; sent < 10_000; round += 1) {
      for (let at = 0; at < 20 && sent < 10_000; at += 1, sent += 1) await server.publish('/a', sent);
      if (round % 7 === 0) {
        wire = socket({ maxBytes: 200 });
        await client.connect({}, wire);
        ways.push(wire);
      } else if (round % 7 === 4 && wire !== undefined) client.lose(wire);
      else if (round % 7 > 4) ways.push(await client.connect({}, exchange({ maxBytes: 300 })));
      else ways.push(await client.publish('/nobody', 1));
      await client.flushed();
    }
    for (let left = 1; left > 0; left = client.session.outbox.size) {
      const last = await client.connect({ advice: { timeout: 0 } });
      ways.push(last);
    }
    for (const way of ways) settled.push(...way.data);
    expect(settled.length).toBe(10_000);
    const inOrder = ways.flatMap(({ data }) => data);
    expect(new Set(inOrder).size).toBe(10_000);
    for (const way of ways) expect(way.data).toEqual([...way.data].sort((a, b) => Number(a) - Number(b)));
  });

  it('are none lost and none twice among those handed over, at random', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('publish', 'publish', 'poll', 'post', 'settle', 'break', 'turn'), {
          maxLength: 60,
        }),
        async (steps) => {
          const { server, clock } = serve();
          const client = await FakeClient.connected(server);
          const open: FakeConduit[] = [];
          const arrived: unknown[] = [];
          let sent = 0;
          const settle = (conduit: FakeConduit | undefined): void => {
            if (conduit === undefined) return;
            conduit.settle();
            arrived.push(...conduit.data);
          };
          for (const step of steps) {
            if (step === 'publish') client.session.deliver('/a', sent++);
            else if (step === 'poll')
              open.push(await client.connect({}, exchange({ slow: true, maxBytes: 90 })));
            else if (step === 'post')
              open.push(await client.publish('/b', 1, exchange({ slow: true, maxBytes: 90 })));
            else if (step === 'settle') {
              const at = open.findIndex(({ batches }) => batches.length > 0);
              if (at >= 0) settle(open.splice(at, 1)[0]);
            } else if (step === 'break') {
              const broken = open.pop();
              if (broken !== undefined) client.lose(broken);
            } else await client.flushed();
          }
          const answered = () => open.findIndex(({ batches }) => batches.length > 0);
          await client.flushed();
          for (let at = answered(); at >= 0; at = answered()) {
            settle(open.splice(at, 1)[0]);
            await client.flushed();
          }
          for (let left = 1; left > 0; left = client.session.outbox.size) {
            arrived.push(...(await client.connect({ advice: { timeout: 0 } })).data);
          }
          expect(arrived).toEqual(numbers(0, sent));
          await client.disconnect();
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });
});
