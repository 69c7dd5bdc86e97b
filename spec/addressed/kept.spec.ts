import { describe, expect, it } from 'vitest';
import { MemoryHistory } from '../../src/index.ts';
import { LevelHistory } from '../../src/features/history/level/level-history.ts';
import { FakeClient } from '../support/fake-client.ts';
import { exchange, socket, type Wire } from '../support/fake-conduit.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { DIRECT, directServer, onSocket, payloads, polls, receiptsOf, send } from './clients.ts';

const now = { advice: { timeout: 0 } };
const ttl = 60_000;

/** What a client of this user gets with its handshake, and with its first connect. */
async function arrivals(server: ReturnType<typeof directServer>['server'], user: string) {
  const greeting = exchange();
  const client = await FakeClient.open(server, greeting, { ext: { user } });
  const connect = await client.connect(now);
  return { client, greeting: payloads(greeting), connect: payloads(connect) };
}

describe('messages for a user who is offline (AD-7)', () => {
  it('come with the first connect after the next handshake, once and in order', async () => {
    const { server } = directServer({ ttl });
    const ann = await onSocket(server, 'ann');
    for (const payload of [1, 2, 3]) {
      expect(receiptsOf(await send(ann.client, ['bob'], payload))).toEqual({ bob: 'queued' });
    }
    const first = await arrivals(server, 'bob');
    expect([first.greeting, first.connect]).toEqual([[], [1, 2, 3]]);
    expect(payloads(await first.client.connect(now))).toEqual([]);
    expect((await arrivals(server, 'bob')).connect).toEqual([]);
    expect((await arrivals(server, 'eve')).connect).toEqual([]);
  });

  it('have the sender and the id that the sender was told', async () => {
    const { server } = directServer({ ttl });
    const ann = await onSocket(server, 'ann');
    const reply = await send(ann.client, ['bob'], 'hi');
    const bob = await FakeClient.open(server, exchange(), { ext: { user: 'bob' } });
    const { events } = await bob.connect(now);
    const { messageId: id } = reply.ext as Wire;
    expect(events).toEqual([
      { channel: DIRECT, data: { from: { id: 'ann', info: { name: 'ANN' } }, payload: 'hi', id } },
    ]);
  });

  it('come on a socket too', async () => {
    const { server } = directServer({ ttl });
    const ann = await onSocket(server, 'ann');
    await send(ann.client, ['bob'], 1);
    const bob = await onSocket(server, 'bob');
    await bob.client.flushed();
    expect(payloads(bob.wire)).toEqual([1]);
  });

  it('are more than a page, and newer ones come after them', async () => {
    const { server } = directServer({ ttl });
    const ann = await onSocket(server, 'ann');
    const many = Array.from({ length: 130 }, (_, at) => at);
    for (const at of many) await send(ann.client, ['bob'], at);
    const wire = socket({ slow: true });
    const bob = await FakeClient.connected(server, wire, { ext: { user: 'bob' } });
    await bob.flushed();
    expect(payloads(wire)).toHaveLength(50);
    // A second tab gets what is new at once.
    const tab = await onSocket(server, 'bob');
    expect(receiptsOf(await send(ann.client, ['bob'], 'new'))).toEqual({ bob: 'delivered' });
    await until(() => {
      wire.settle();
      return payloads(wire).length === 131;
    });
    expect(payloads(wire)).toEqual([...many, 'new']);
    expect(payloads(tab.wire)).toEqual(['new']);
    wire.settleThrough(99);
    expect((await arrivals(server, 'bob')).connect).toEqual([]);
  });

  it('go to one of two tabs that come at once', async () => {
    const { server } = directServer({ ttl });
    const ann = await onSocket(server, 'ann');
    await send(ann.client, ['bob'], 1);
    const open = () => FakeClient.open(server, exchange(), { ext: { user: 'bob' } });
    const tabs = [await open(), await open()];
    const got = await Promise.all(tabs.map((tab) => tab.connect(now)));
    expect(got.map((wire) => payloads(wire))).toEqual([[1], []]);
  });

  it('go to another session when the one that gets them ends before', async () => {
    const { server } = directServer({ ttl });
    const ann = await onSocket(server, 'ann');
    for (const payload of [1, 2]) await send(ann.client, ['bob'], payload);
    const slow = socket({ slow: true });
    const one = await FakeClient.connected(server, slow, { ext: { user: 'bob' } });
    await one.flushed();
    expect(payloads(slow)).toEqual([1, 2]);
    const other = await onSocket(server, 'bob');
    await other.client.flushed();
    expect(payloads(other.wire)).toEqual([]);
    one.lose(slow);
    one.session.disconnect();
    await other.client.flushed();
    expect(payloads(other.wire)).toEqual([1, 2]);
  });

  it('wait in the queue of a session that is there, and come once', async () => {
    const { server } = directServer({ ttl });
    const ann = await onSocket(server, 'ann');
    const bob = await polls(server, 'bob');
    expect(receiptsOf(await send(ann.client, ['bob'], 1))).toEqual({ bob: 'queued' });
    expect(payloads(await bob.connect(now))).toEqual([1]);
    expect(payloads(await bob.connect(now))).toEqual([]);
    expect((await arrivals(server, 'bob')).connect).toEqual([]);
  });

  it('go to the next session when the one in whose queue they are ends', async () => {
    const { server, clock } = directServer({ ttl: 600_000 });
    const ann = await onSocket(server, 'ann');
    await polls(server, 'bob');
    await send(ann.client, ['bob'], 1);
    await clock.tick(60_000);
    expect(server.sessions.size).toBe(0);
    expect((await arrivals(server, 'bob')).connect).toEqual([1]);
  });

  it('are dropped after their time', async () => {
    const { server, clock } = directServer({ ttl });
    await send((await onSocket(server, 'ann')).client, ['bob'], 'old');
    await clock.tick(ttl / 2);
    await send((await onSocket(server, 'ann')).client, ['bob'], 'new');
    await clock.tick(ttl / 2 + 1);
    expect((await arrivals(server, 'bob')).connect).toEqual(['new']);
  });

  it('are as many as the rule says, the newest', async () => {
    const { server } = directServer({ ttl, maxKept: 2 });
    const ann = await onSocket(server, 'ann');
    for (const payload of [1, 2, 3]) await send(ann.client, ['bob'], payload);
    expect((await arrivals(server, 'bob')).connect).toEqual([2, 3]);
  });

  it('are not kept without ttl', async () => {
    const { server } = directServer(true);
    const ann = await onSocket(server, 'ann');
    expect(receiptsOf(await send(ann.client, ['bob'], 1))).toEqual({ bob: 'offline' });
    expect((await arrivals(server, 'bob')).connect).toEqual([]);
  });

  it('are told as read when the client acknowledges them', async () => {
    const { server } = directServer({ ttl });
    const ann = await onSocket(server, 'ann');
    const reply = await send(ann.client, ['bob'], 1, { receipt: 'read' });
    const bob = await FakeClient.open(server, exchange(), { ext: { user: 'bob', ack: true } });
    const first = await bob.connect({ ...now, ext: { ack: 0 } });
    await bob.connect({ ...now, ext: { ack: (first.reply.ext as Wire).ack } });
    await ann.client.flushed();
    const { messageId: id } = reply.ext as Wire;
    expect(ann.wire.data).toEqual([{ id, user: 'bob', state: 'read' }]);
  });

  it('are read no further than a client acknowledges', async () => {
    const { server } = directServer({ ttl });
    const ann = await onSocket(server, 'ann');
    const many = Array.from({ length: 130 }, (_, at) => at);
    for (const at of many) await send(ann.client, ['bob'], at);
    const bob = await FakeClient.open(server, exchange(), { ext: { user: 'bob', ack: true } });
    const got = new Set<unknown>();
    let ack: unknown = 0;
    for (let round = 0; round < 12; round += 1) {
      const wire = await bob.connect({ ...now, ext: { ack } });
      for (const payload of payloads(wire)) got.add(payload);
      if (round === 3) expect(bob.session.outbox.kept).toBeLessThanOrEqual(100);
      if (round > 3) ack = (wire.reply.ext as Wire).ack;
      await bob.flushed();
    }
    expect([...got]).toEqual(many);
  });

  it('are read by no replay of a pattern', async () => {
    const channels = { '/**': { history: true } } as const;
    const { server } = directServer({ ttl }, { channels });
    const ann = await onSocket(server, 'ann');
    await send(ann.client, ['bob'], 'secret');
    await server.publish('/a', 'open');
    const eve = await onSocket(server, 'eve');
    for (const pattern of ['/**', '/*']) {
      const message = eve.client.message('/meta/subscribe', { subscription: pattern });
      await eve.client.send({ ...message, ext: { replay: { [pattern]: -2 } } }, eve.wire);
      await eve.client.flushed();
    }
    expect(JSON.stringify(eve.wire.messages)).not.toContain('secret');
    expect(eve.wire.data).toContain('open');
  });

  it('take 1 MiB of the store for one publish at most, and the log says so', async () => {
    const log: string[] = [];
    const store = new MemoryHistory();
    const { server } = directServer({ ttl }, { history: store, log: ({ event }) => log.push(event) });
    const ann = await onSocket(server, 'ann');
    const many = Array.from({ length: 100 }, (_, at) => `u${at}`);
    const receipts = Object.values(receiptsOf(await send(ann.client, many, 'x'.repeat(100_000))) as object);
    expect(receipts.filter((one) => one === 'queued')).toHaveLength(10);
    expect(receipts.filter((one) => one === 'offline')).toHaveLength(90);
    expect(store.usage.bytes).toBeLessThan(1_100_000);
    expect(log).toContain('addressed.not_kept');
  });

  it('are offline where the store fails, and the log says so', async () => {
    class Failing extends MemoryHistory {
      override append(): never {
        throw new Error('disk full');
      }
    }
    const log: string[] = [];
    const { server } = directServer({ ttl }, { history: new Failing(), log: ({ event }) => log.push(event) });
    const ann = await onSocket(server, 'ann');
    expect(receiptsOf(await send(ann.client, ['bob'], 1))).toEqual({ bob: 'offline' });
    expect(log).toContain('addressed.store_failed');
  });

  it('survive a restart in a folder', async () => {
    const { folder: path } = tempFolder();
    const start = () => directServer({ ttl }, { history: new LevelHistory({ path }) }).server;
    const before = start();
    await before.open();
    const ann = await onSocket(before, 'ann');
    for (const payload of [1, 2]) await send(ann.client, ['bob', 'cal'], payload);
    expect((await arrivals(before, 'cal')).connect).toEqual([1, 2]);
    await before.close();
    const after = start();
    await after.open();
    expect((await arrivals(after, 'bob')).connect).toEqual([1, 2]);
    expect((await arrivals(after, 'cal')).connect).toEqual([]);
    await after.close();
  });

  it('leave no timer behind, and nothing in memory for a user who has everything', async () => {
    const { server, clock } = directServer({ ttl });
    const ann = await onSocket(server, 'ann');
    await send(ann.client, ['bob', 'ann'], 1);
    const { client } = await arrivals(server, 'bob');
    await client.disconnect();
    await ann.client.disconnect(ann.wire);
    await server.close();
    expect(clock.pending).toBe(0);
  });
});
