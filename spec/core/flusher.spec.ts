import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/lib/clock.ts';
import { Histogram } from '../../src/lib/histogram.ts';
import { Flusher } from '../../src/core/delivery/flusher.ts';
import { Server } from '../../src/server.ts';
import { FakeClient } from '../support/fake-client.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { exchange, type FakeConduit, socket } from '../support/fake-conduit.ts';
import { turn } from '../support/until.ts';

/** A clock that goes on by what work is said to take. */
function working() {
  const time = new FakeClock();
  let spent = 0;
  const clock: Clock = {
    now: () => time.now() + spent,
    after: (ms, call) => time.after(ms, call),
    soon: (call) => time.soon(call),
  };
  const spend = (ms: number): void => {
    spent += ms;
  };
  return { time, clock, spend };
}

/** A server to which each answer to a poll takes so many milliseconds, and clients that poll it. */
async function busy(cost: number, count: number) {
  const { time, clock, spend } = working();
  const server = new Server({ clock });
  server.takeSockets();
  const costly = (): FakeConduit => {
    const conduit = exchange();
    const send = conduit.send.bind(conduit);
    conduit.send = (batch, handover) => {
      spend(cost);
      send(batch, handover);
    };
    return conduit;
  };
  const clients: FakeClient[] = [];
  for (let at = 0; at < count; at += 1) {
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    clients.push(client);
  }
  const poll = () => Promise.all(clients.map((client) => client.connect({}, costly())));
  return { server, time, poll, clients };
}

const dataOf = (polls: readonly FakeConduit[]) => polls.map(({ data }) => data);

describe('many polls to answer', () => {
  it('are followed by a rest as long, after which what came meanwhile leaves together', async () => {
    const { server, time, poll } = await busy(0.5, 8);
    const first = await poll();
    await server.publish('/a', 1);
    await turn();
    expect(dataOf(first)).toEqual(Array(8).fill([1]));
    await turn();
    await server.publish('/a', 2);
    const second = await poll();
    await turn();
    await server.publish('/a', 3);
    await time.tick(3.9);
    expect(dataOf(second)).toEqual(Array(8).fill([]));
    await time.tick(0.1);
    expect(dataOf(second)).toEqual(Array(8).fill([2, 3]));
    await time.tick(4);
    const third = await poll();
    await server.publish('/a', 4);
    await turn();
    expect(dataOf(third)).toEqual(Array(8).fill([4]));
  });

  it('are held in that rest, even where something waits for them', async () => {
    const { server, time, poll } = await busy(1, 2);
    await server.publish('/a', 1);
    expect(dataOf(await poll())).toEqual([[1], [1]]);
    await turn();
    await server.publish('/a', 2);
    const held = await poll();
    await turn();
    expect(dataOf(held)).toEqual([[], []]);
    await time.tick(2);
    expect(dataOf(held)).toEqual([[2], [2]]);
  });

  it('never cost more than a short rest', async () => {
    const { server, time, poll } = await busy(1, 100);
    await poll();
    await server.publish('/a', 1);
    await turn();
    await turn();
    const polls = await poll();
    await server.publish('/a', 2);
    await time.tick(9.9);
    expect(dataOf(polls).flat()).toEqual([]);
    await time.tick(0.1);
    expect(dataOf(polls)).toEqual(Array(100).fill([2]));
  });

  it('cost none when that was soon done', async () => {
    const { server, poll } = await busy(0.1, 8);
    await poll();
    for (const data of [1, 2, 3]) {
      await server.publish('/a', data);
      await turn();
      await turn();
      await poll();
    }
    const polls = await poll();
    await server.publish('/a', 4);
    await turn();
    expect(dataOf(polls)).toEqual(Array(8).fill([4]));
  });

  it('cost what it takes to write the answers too', async () => {
    const { time, clock, spend } = working();
    const flusher = new Flusher(clock, new Histogram([]));
    flusher.writeAtTurnEnd({ writeDeferred: () => spend(2) });
    expect(flusher.mayAnswer()).toBe(true);
    await turn();
    expect(flusher.mayAnswer()).toBe(false);
    await time.tick(2);
    expect(flusher.mayAnswer()).toBe(true);
  });

  it('keep no socket waiting (WS-6)', async () => {
    const { server, poll } = await busy(1, 4);
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.subscribe('/a', wire);
    await poll();
    for (const data of [1, 2]) {
      await server.publish('/a', data);
      await turn();
    }
    expect(wire.data).toEqual([1, 2]);
  });
});
