import { describe, expect, it } from 'vitest';
import type { Extension } from '../../src/ports/session.ts';
import type { LogEvent } from '../../src/lib/log.ts';
import type { ServerSettings } from '../../src/server.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { turn } from '../support/until.ts';

async function listeners(settings: ServerSettings, ...patterns: readonly string[]) {
  const log: LogEvent[] = [];
  const { server, clock } = serve({ ...settings, log: (event) => log.push(event) });
  const clients: FakeClient[] = [];
  for (const pattern of patterns) {
    const client = await FakeClient.connected(server);
    await client.subscribe(pattern);
    clients.push(client);
  }
  const full = () => log.filter(({ event }) => event === 'queues.full');
  return { server, clock, clients, states: () => clients.map(({ session }) => session.state), full };
}

describe('an event that waits', () => {
  it('is kept as text alone, and read from it for who asks', async () => {
    const { server, clients } = await listeners({}, '/a');
    await server.publish('/a', { list: [{}, {}] });
    const [event] = clients[0]?.session.outbox.all ?? [];
    expect(event?.message).toEqual({ channel: '/a', data: { list: [{}, {}] } });
    expect(event?.message).not.toBe(event?.message);
  });

  it('is kept as text where it is one session’s own, too', async () => {
    const { server, clients } = await listeners({}, '/a');
    const session = clients[0]?.session;
    session?.deliver('/a', 1);
    session?.extend({ name: 'own', delivering: (event) => ({ ...event, data: 2 }) });
    await server.publish('/a', 0);
    const all = session?.outbox.all ?? [];
    expect(all.map(({ message }) => message.data)).toEqual([1, 2]);
    for (const event of all) expect(event.message).not.toBe(event.message);
  });

  it('is given whole to all who look at it, one after another', async () => {
    const seen: unknown[] = [];
    const look: Extension = {
      name: 'look',
      delivering(event) {
        seen.push(event.data);
        return event;
      },
    };
    const { server } = await listeners({ extensions: [look] }, '/a', '/a');
    const data: unknown[] = [];
    server.on('published', (event) => data.push(event.data));
    await server.publish('/a', { n: 1 });
    expect(seen[0]).toBe(seen[1]);
    expect(data[0]).toBe(seen[0]);
  });
});

describe('what waits for all sessions (maxQueuedBytes)', () => {
  const big = 'x'.repeat(10_000);

  it('ends those for whom most waits, when it is too much, and says so', async () => {
    const { server, states, full } = await listeners({ maxQueuedBytes: 100_000 }, '/a', '/b');
    for (let at = 0; at < 7; at += 1) await server.publish('/a', big);
    for (let at = 0; at < 2; at += 1) await server.publish('/b', big);
    await turn();
    expect([states(), full()]).toEqual([['idle', 'idle'], []]);
    await server.publish('/b', big);
    await turn();
    expect(states()).toEqual(['gone', 'idle']);
    expect(full()).toMatchObject([
      { level: 'warn', event: 'queues.full', option: 'maxQueuedBytes', limit: 100_000, count: 1 },
    ]);
  });

  it('is told of once a minute, with how many sessions were ended since', async () => {
    const { server, clock, full } = await listeners({ maxQueuedBytes: 100_000 });
    const overflow = async (times: number) => {
      for (let round = 0; round < times; round += 1) {
        await (await FakeClient.connected(server)).subscribe('/a');
        for (let at = 0; at < 10; at += 1) await server.publish('/a', big);
        await turn();
      }
    };
    await overflow(3);
    expect(full().map(({ count }) => count)).toEqual([1]);
    await clock.tick(60_000);
    await overflow(1);
    expect(full().map(({ count }) => count)).toEqual([1, 3]);
  });

  it('counts once what waits for many', async () => {
    const patterns = Array.from({ length: 50 }, () => '/a');
    const { server, states, full } = await listeners({ maxQueuedBytes: 100_000 }, ...patterns);
    for (let at = 0; at < 9; at += 1) await server.publish('/a', big);
    await turn();
    expect([new Set(states()), full()]).toEqual([new Set(['idle']), []]);
  });

  it('counts nothing that has left', async () => {
    const { server, clients, states, full } = await listeners({ maxQueuedBytes: 100_000 }, '/a');
    for (let at = 0; at < 50; at += 1) {
      await server.publish('/a', big);
      await clients[0]?.connect();
    }
    expect([states(), full()]).toEqual([['idle'], []]);
  });

  it('counts two bytes for a character where not all are ASCII', async () => {
    const { server, states } = await listeners({ maxQueuedBytes: 100_000 }, '/a');
    for (let at = 0; at < 6; at += 1) await server.publish('/a', `${big}€`);
    await turn();
    expect(states()).toEqual(['gone']);
  });
});
