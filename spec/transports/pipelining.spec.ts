import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { client } from './sessions.ts';

const large = { maxFlushBytes: 100_000_000, maxQueueBytes: 100_000_000, maxInterval: 120_000 };

/** Writes requests one behind the other on one connection. */
function pipelined(url: string, ...requests: readonly string[]): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
  onTestFinished(() => void socket.destroy());
  socket.write(requests.join(''));
  return socket;
}

function post(message: unknown): string {
  const body = JSON.stringify(message);
  return `POST /bayeux HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Two sessions that listen, and what they are on the server. */
async function pair(settings = {}) {
  const { server, clock, url } = await start(settings);
  const [alice, bob] = [await client(url), await client(url)];
  for (const one of [alice, bob]) await one.subscribe('/news');
  const [first, second] = server.sessions;
  if (first === undefined || second === undefined) throw new Error('no sessions');
  return { server, clock, url, alice, bob, first, second };
}

describe('what is pipelined behind an answer that is still to come', () => {
  it('has its reading time from when its turn comes (SEC-9)', async () => {
    const { server, clock, url, alice, bob, first, second } = await pair(large);
    const held = post(alice.connectRequest());
    const behind = post(bob.connectRequest({ advice: { timeout: 0 } }));
    const socket = pipelined(url, held, behind);
    await until(() => first.state === 'held' && second.state === 'idle');
    await clock.tick(25_000);
    await server.publish('/news', 'x'.repeat(20_000_000));
    await until(() => first.state === 'idle');
    await clock.tick(5_000);

    let tail = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      tail = (tail + chunk).slice(-5000);
    });
    socket.resume();
    await until(() => tail.split('"channel":"/meta/connect"').length === 3);
    await clock.tick(30_000);
    expect(socket.destroyed).toBe(false);
  });

  it('is cut when it is not read within that time', async () => {
    const { server, clock, url, alice, bob, first, second } = await pair(large);
    await alice.subscribe('/alice');
    await alice.unsubscribe('/news');
    const held = post(alice.connectRequest());
    const behind = post(bob.connectRequest());
    const socket = pipelined(url, held, behind);
    await until(() => first.state === 'held' && second.state === 'held');
    await server.publish('/news', 'x'.repeat(20_000_000));
    await until(() => second.state === 'idle');
    await clock.tick(20_000);
    await server.publish('/alice', 1);
    await until(() => first.state === 'idle');
    await clock.tick(29_999);
    expect(second.outbox.size).toBe(0);
    await clock.tick(1);
    await until(() => second.outbox.size === 1);
    socket.on('error', () => {}).resume();
    await until(() => socket.destroyed);
  });

  it('is over when the connection ends: a held connect is let go, an answer is kept (CN-15, DL-8)', async () => {
    const { server, clock, url, alice, bob, first, second } = await pair();
    const socket = pipelined(url, post(alice.connectRequest()), post(bob.connectRequest()));
    await until(() => first.state === 'held' && second.state === 'held');
    socket.destroy();
    await until(() => first.state === 'idle' && second.state === 'idle');
    expect(server.usage.browsers).toBe(0);

    const again = pipelined(url, post(alice.connectRequest()), post(bob.connectRequest()));
    await until(() => first.state === 'held' && second.state === 'held');
    await bob.call('/meta/unsubscribe', { subscription: '/news' });
    await bob.subscribe('/other');
    await until(() => second.state === 'held');
    await server.publish('/other', 1);
    await until(() => second.state === 'idle');
    expect(second.outbox.size).toBe(0);
    again.destroy();
    await until(() => second.outbox.size === 1);
    await clock.tick(60_000);
    expect([server.sessions.size, clock.pending]).toEqual([0, 0]);
  });

  it('is over when the connection ends, be it an event stream', async () => {
    const { clock, url, alice, bob, first, second } = await pair();
    const stream = `GET /bayeux/${String(bob.clientId)} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`;
    const socket = pipelined(url, post(alice.connectRequest()), stream);
    await until(() => first.state === 'held' && second.push !== undefined);
    socket.destroy();
    await until(() => second.push === undefined);
    await clock.tick(60_000);
    expect(clock.pending).toBe(0);
  });
});

describe('an answer that is overtaken by newer connects of its session (DL-8)', () => {
  it('is cut 0.4 s after the first of them, however many follow', async () => {
    const { server, clock, url, alice, first } = await pair(large);
    const stuck = pipelined(url, post(alice.connectRequest()));
    await until(() => first.state === 'held');
    await server.publish('/news', 'x'.repeat(20_000_000));
    await until(() => first.state === 'idle');
    for (const ms of [150, 150, 110]) {
      const newer = pipelined(url, post(alice.connectRequest({ advice: { timeout: 0 } }))).resume();
      let answer = '';
      newer.on('data', (chunk) => (answer += chunk));
      await until(() => answer.includes('"successful":true'));
      await clock.tick(ms);
    }
    // The events wait for the next connect; nothing of the cut answer can have been read whole.
    await until(() => first.outbox.size === 1);
    stuck.destroy();
  });
});
