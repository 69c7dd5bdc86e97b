import { describe, expect, it } from 'vitest';
import { Refusals } from '../../src/core/refusals.ts';
import { LevelHistory } from '../../src/features/history/level/level-history.ts';
import { silent } from '../../src/lib/log.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { socket } from '../support/fake-conduit.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { turn } from '../support/until.ts';

const { folder } = tempFolder();

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

describe('server.counts', () => {
  it('counts handshakes, sessions and their ends by reason', async () => {
    const { server, clock } = serve({ maxSessions: 3, log: silent });
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await FakeClient.connected(server);
    await ask(server, handshake());
    await ann.disconnect();
    bob.session.disconnect('revoked');
    await clock.tick(15_000);
    const { handshakes, opened, ends, refusals } = server.counts;
    expect([handshakes, opened]).toEqual([4, 3]);
    expect(ends).toMatchObject({ disconnect: 1, revoked: 1, timeout: 1, shutdown: 0 });
    expect(refusals).toEqual([{ event: 'session.refused', option: 'maxSessions', count: 1 }]);
    expect(server.refused).toEqual({ maxSessions: 1 });
  });

  it('counts publishes by the most specific pattern in channels, whatever the channel is called', async () => {
    const lazy = { lazy: true };
    const { server } = serve({ channels: { '/a/**': lazy, '/a/*': lazy, '/a/b': lazy, '/c/**': lazy } });
    for (const channel of ['/x', '/x/y', '/a/b', '/a/c', '/a/d', '/a/b/c', '/a/b/d', '/a/e/f'])
      await server.publish(channel, 1);
    expect(server.counts.publishes).toEqual({ '': 2, '/a/**': 3, '/a/*': 2, '/a/b': 1, '/c/**': 0 });
  });

  it('counts no publish that was refused or could not be stored', async () => {
    const { server } = serve({ policy: { canPublish: () => false }, log: silent });
    const ann = await FakeClient.connected(server);
    await ann.publish('/a', 1);
    expect(server.counts.publishes).toEqual({ '': 0 });
  });

  it('counts each event that leaves for a session, and those that come back', async () => {
    const { server } = serve();
    const wires = upTo(3).map(() => socket({ slow: true }));
    for (const wire of wires) {
      server.join(wire);
      await (await FakeClient.connected(server, wire)).subscribe('/a', wire);
      wire.settle();
    }
    await server.publish('/a', 1);
    await turn();
    expect([server.counts.deliveries, server.counts.returned]).toEqual([3, 0]);
    const [lost] = wires;
    if (lost !== undefined) server.lost(lost.die());
    expect([server.counts.deliveries, server.counts.returned]).toEqual([3, 1]);
  });

  it('counts events that are dropped, by what was dropped', async () => {
    const { server } = serve({
      channels: {
        '/old': { overflow: { action: 'dropOldest', maxEvents: 1 } },
        '/new': { overflow: { action: 'dropNewest', maxEvents: 2 } },
      },
    });
    const ann = await FakeClient.connected(server);
    await ann.subscribe('/*');
    for (const at of upTo(4)) await Promise.all(['/old', '/new'].map((name) => server.publish(name, at)));
    expect(server.counts.dropped).toEqual({ dropOldest: 3, dropNewest: 2 });
  });

  it('times each turn with events once, from the first one to the end of the flush', async () => {
    const { server, clock } = serve();
    const ann = await FakeClient.connected(server);
    await ann.subscribe('/a');
    const count = () => server.counts.flushes.counts.reduce((sum, each) => sum + each, 0);
    await server.publish('/nobody', 1);
    await turn();
    expect(count()).toBe(0);
    const publishes = upTo(5).map((at) => server.publish('/a', at));
    const ticked = clock.tick(0);
    await Promise.all([...publishes, ticked]);
    expect([count(), server.counts.flushes.sum]).toEqual([1, 0]);
  });

  it('bounds the refusals that it tells apart', () => {
    const refusals = new Refusals(new FakeClock(), silent);
    for (const at of upTo(1_000)) refusals.note(`event.${at}`, { why: 'no' });
    expect(refusals.tallies).toHaveLength(201);
    expect(refusals.tallies.at(-1)).toEqual({ event: 'others', option: '', count: 800 });
  });
});

describe('server.load', () => {
  it('adds up the sessions by transport, and what waits for them', async () => {
    const { server } = serve();
    const wire = socket();
    server.join(wire);
    const ann = await FakeClient.connected(server, wire);
    const waiting = await Promise.all(upTo(2).map(() => FakeClient.connected(server)));
    for (const client of [...waiting]) await client.subscribe('/a');
    await ann.subscribe('/b', wire);
    await server.localSession();
    await server.publish('/a', 'x');
    await turn();
    const { bytes } = { bytes: JSON.stringify({ channel: '/a', data: 'x' }).length };
    expect(server.load()).toMatchObject({
      sessions: { websocket: 1, 'long-polling': 2, 'in-process': 1 },
      queuedEvents: 2,
      queuedBytes: 2 * bytes,
      memory: { maxIncomingBytes: { used: 0, limit: server.options.maxIncomingBytes } },
      features: { governor: { waiting: 0 }, tabs: { browsers: 0 } },
    });
    expect(server.load().memory.maxSubscriptionBytes?.used).toBeGreaterThan(0);
  });

  it.each([
    ['in memory', undefined],
    ['on the disk', () => new LevelHistory({ path: folder })],
  ])('has the size of the history %s', async (_name, make) => {
    const { server } = serve({
      channels: { '/d/**': { history: { maxEvents: 2, maxAge: 1_000 } } },
      ...(make && { history: make() }),
    });
    await server.open();
    for (const channel of ['/d/1', '/d/1', '/d/1', '/d/2']) await server.publish(channel, 1);
    expect(server.load().features.history).toMatchObject({ events: 3, channels: 2 });
    expect(server.load().features.history?.bytes).toBeGreaterThan(100);
    await server.close();
  });
});
