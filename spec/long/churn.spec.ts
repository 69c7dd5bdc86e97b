import { describe, expect, it, onTestFinished } from 'vitest';
import type { Server } from '../../src/index.ts';
import type { FakeClock } from '../../src/testing/fake-clock.ts';
import { start } from '../support/start.ts';
import { BareSocket } from './bare-socket.ts';
import { eventually } from './eventually.ts';
import { HttpClient } from './http-client.ts';

const ROUNDS = 10;
const SESSIONS = 2000;
const AT_ONCE = 50;
/** Every so many sessions one comes by WebSocket. */
const SOCKETS = 10;

type Wire = { readonly [key: string]: unknown };

const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };
const message = (channel: string, clientId: string, fields: Wire = {}): Wire => ({
  id: 'x',
  channel,
  clientId,
  ...fields,
});

/** One polling session: opened, subscribed, and then closed, ended by the server, cut off while it is held, or abandoned. */
async function poll(client: HttpClient, server: Server, at: number): Promise<void> {
  const [welcome] = await client.post(handshake);
  const clientId = String(welcome?.clientId);
  const session = [...server.sessions].find((one) => one.clientId === clientId);
  await client.post(message('/meta/connect', clientId));
  await client.post(
    message('/meta/subscribe', clientId, { subscription: [`/room/${at}`, '/room/*', `/only/${at}/**`] }),
  );
  await client.post(message(`/room/${at}`, clientId, { data: { at } }));
  if (at % 4 === 0) await client.post(message('/meta/disconnect', clientId));
  else if (at % 4 === 1) session?.disconnect();
  else if (at % 4 === 2) {
    const connection = new HttpClient(client.url, 1);
    let answered = false;
    const connect = connection.post(message('/meta/connect', clientId)).then(
      () => {
        answered = true;
      },
      () => {},
    );
    await eventually(() => answered || session?.state === 'held', 'the connect is held');
    connection.close();
    await connect;
  }
}

/** One session on a socket: closed, or cut off while it is held. */
async function push(url: string, at: number): Promise<void> {
  const socket = await BareSocket.open(url);
  const welcome = await socket.ask(handshake, '"clientId"');
  const clientId = /"clientId":"(\w+)"/.exec(welcome)?.[1] ?? '';
  await socket.ask(
    message('/meta/subscribe', clientId, { subscription: [`/socket/${at}`, '/socket/*'] }),
    '"successful":true',
  );
  await socket.ask(message('/meta/connect', clientId), '"advice"');
  await socket.ask(
    [message('/meta/connect', clientId), message(`/socket/${at}`, clientId, { data: at })],
    '"data"',
  );
  if (at % (2 * SOCKETS) === 0) await socket.ask(message('/meta/disconnect', clientId), '/meta/disconnect');
  else socket.send(message('/meta/connect', clientId));
  socket.destroy();
}

async function round(client: HttpClient, server: Server): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < SESSIONS; at = next++) {
      if (at % SOCKETS === 0) await push(client.url, at);
      else await poll(client, server, at);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function back(server: Server, clock: FakeClock): Promise<void> {
  // Sockets of clients that have gone take a moment to close.
  await eventually(() => {
    void clock.tick(1000);
    return server.usage.sessions === 0 && clock.pending === 0;
  }, 'all is as it was before');
  expect([server.usage, clock.pending]).toEqual([
    { sessions: 0, channelNodes: 0, browsers: 0, addresses: 0 },
    0,
  ]);
}

describe(`${SESSIONS} sessions, ${ROUNDS} times over`, () => {
  it('leave nothing behind, and no memory in use', async () => {
    const collect = globalThis.gc;
    if (collect === undefined) throw new Error('run with --expose-gc');
    const { server, clock, url } = await start();
    const client = new HttpClient(url, AT_ONCE);
    onTestFinished(() => client.close());
    const heap: number[] = [];
    for (let at = 0; at < ROUNDS; at += 1) {
      await round(client, server);
      await back(server, clock);
      for (let again = 0; again < 3; again += 1) {
        collect();
        await new Promise((resolve) => void setImmediate(resolve));
      }
      heap.push(process.memoryUsage().heapUsed);
    }
    const slope = slopeOf(heap.slice(2)) / SESSIONS;
    console.info(
      `heap after each round: ${heap.map((bytes) => (bytes / 1e6).toFixed(2)).join(', ')} MB; ${slope.toFixed(1)} bytes a session`,
    );
    expect(slope).toBeLessThan(200);
  });
});

/** By how much the values grow from one to the next: least squares. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const above = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0);
  return above / values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
}
