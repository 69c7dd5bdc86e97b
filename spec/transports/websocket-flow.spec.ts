import { afterEach, describe, expect, it, vi } from 'vitest';
import { Frames } from '../../src/transports/websocket-frame.ts';
import { start } from '../support/start.ts';
import { settle, turn, until } from '../support/until.ts';
import { masked, opcodes, WebSocketClient, type Wire } from './websocket-client.ts';

afterEach(() => void vi.restoreAllMocks());

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

async function post(url: string, message: Wire): Promise<Wire[]> {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify([message]) });
  return JSON.parse(await response.text());
}

describe('order', () => {
  it('10,000 events from another socket arrive once and in order', async () => {
    const { url } = await start();
    const alice = await WebSocketClient.connected(url, '/n');
    const bob = await WebSocketClient.connected(url);
    for (const data of upTo(10_000)) {
      bob.send(bob.message('/n', { data }));
      if (data % 1000 === 999) await until(() => alice.data('/n').length === data + 1);
    }
    expect(alice.data('/n')).toEqual(upTo(10_000));
  });

  it('holds across a move from long-polling to a socket, and with frames that carry little', async () => {
    const { server, url } = await start({ websocket: { maxFlushBytes: 500 }, maxFlushBytes: 500 });
    const bob = await WebSocketClient.connected(url);
    const [shaken] = await post(url, {
      id: '1',
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: ['long-polling', 'websocket'],
    });
    const clientId = shaken?.clientId;
    await post(url, { id: '2', channel: '/meta/subscribe', clientId, subscription: '/n' });
    const poll = (id: string) =>
      post(url, { id, channel: '/meta/connect', clientId, connectionType: 'long-polling' });
    await poll('3');

    const polled: unknown[] = [];
    for (const data of upTo(10_000)) {
      bob.send(bob.message('/n', { data }));
      if (data % 500 === 0) await turn();
      if (data % 2000 !== 1999) continue;
      for (const one of await poll(`p${data}`)) if ('data' in one) polled.push(one.data);
    }
    expect(polled.length).toBeGreaterThan(10);
    const alice = await WebSocketClient.open(url);
    alice.clientId = String(clientId);
    alice.hold();
    const received = () => [...polled, ...alice.data('/n')];
    await until(() => received().length >= 10_000);
    expect(received()).toEqual(upTo(10_000));
    expect([...server.sessions].map(({ outbox }) => outbox.size)).toEqual([0, 0]);
  });

  it('holds when the socket is cut while events are on their way', async () => {
    const { server, url } = await start({ websocket: { maxBufferedBytes: 1_048_576 } });
    const alice = await WebSocketClient.connected(url, '/n');
    const [session] = server.sessions;
    alice.socket.pause();
    let sent = 0;
    while (session?.outbox.size === 0) {
      void server.publish('/n', { number: sent, padding: 'x'.repeat(20_000) });
      sent += 1;
      await turn();
    }
    alice.socket.destroy();
    await until(() => session?.push === undefined);
    await settle();
    const again = await WebSocketClient.open(url);
    again.clientId = alice.clientId;
    again.hold();
    const numbers = () => again.messages.flatMap(({ data }) => (isNumbered(data) ? [data.number] : []));
    await until(() => numbers().at(-1) === sent - 1);
    expect(numbers()).toEqual(upTo(sent).slice(numbers()[0]));
    // What the kernel had not taken was put back in front of what had not been sent at all.
    expect(numbers().length).toBeGreaterThan(50);
  });
});

function isNumbered(data: unknown): data is { number: number } {
  return typeof data === 'object' && data !== null && 'number' in data;
}

describe('slow readers', () => {
  it('hold their events in their own queue, bounded, and get all of them when they read on (WS-15)', async () => {
    const { server, url } = await start({ websocket: { maxBufferedBytes: 100_000 } });
    const slow = await WebSocketClient.connected(url, '/n');
    const quick = await WebSocketClient.connected(url, '/n');
    const session = [...server.sessions].find(({ clientId }) => clientId === slow.clientId);
    slow.socket.pause();
    const data = 'x'.repeat(20_000);
    let sent = 0;
    while ((session?.outbox.size ?? 0) < 50) {
      void server.publish('/n', data);
      sent += 1;
      await turn();
    }
    await until(() => quick.data('/n').length === sent);
    slow.socket.resume();
    await until(() => slow.data('/n').length === sent);
    expect(session?.outbox.size).toBe(0);
  });

  it('lose their session when their queue is full, nobody else does', async () => {
    const { server, url } = await start({ maxQueue: 20, websocket: { maxBufferedBytes: 100_000 } });
    const slow = await WebSocketClient.connected(url, '/n');
    const quick = await WebSocketClient.connected(url, '/n');
    const reasons: string[] = [];
    server.on('session.closed', ({ reason }) => reasons.push(reason));
    slow.socket.pause();
    for (let sent = 0; reasons.length === 0 && sent < 5000; sent += 1) {
      void server.publish('/n', 'x'.repeat(20_000));
      await turn();
    }
    expect(reasons).toEqual(['overflow']);
    expect([...server.sessions].map(({ clientId }) => clientId)).toEqual([quick.clientId]);
  });

  it('that never read their replies are no longer read themselves; events wait behind these', async () => {
    const { server, url } = await start({ websocket: { maxBufferedBytes: 10_000 } });
    const greedy = await WebSocketClient.connected(url, '/n');
    const other = await WebSocketClient.connected(url);
    const [session] = server.sessions;
    greedy.socket.pause();
    // Each is answered with as much.
    const subscription = upTo(100).map((at) => `/${at}${'x'.repeat(240)}`);
    const bytes = masked(JSON.stringify([greedy.message('/meta/unsubscribe', { subscription })]));
    let sent = 0;
    while (greedy.socket.writableLength === 0 && sent < 2000) {
      for (const _ of upTo(10)) greedy.socket.write(bytes);
      sent += 10;
      // As long as it is read, a turn or so empties what was written.
      for (let turns = 0; turns < 50 && greedy.socket.writableLength > 0; turns += 1) await turn();
    }
    expect(sent).toBeLessThan(2000);
    expect(await other.publish('/n', 1)).toMatchObject({ successful: true });
    await settle();
    expect(session?.outbox.size).toBe(1);
    greedy.socket.resume();
    await until(() => greedy.frames.length === sent + 4);
    expect(greedy.data('/n')).toEqual([1]);
  });

  it('that only ping are no longer read either', async () => {
    const { url } = await start({ websocket: { maxBufferedBytes: 10_000 } });
    const greedy = await WebSocketClient.open(url);
    greedy.socket.pause();
    const bytes = Buffer.concat(upTo(500).map(() => masked('p'.repeat(125), { opcode: opcodes.PING })));
    let sent = 0;
    while (greedy.socket.writableLength === 0 && sent < 1000) {
      greedy.socket.write(bytes);
      sent += 1;
      for (let turns = 0; turns < 50 && greedy.socket.writableLength > 0; turns += 1) await turn();
    }
    expect(sent).toBeLessThan(1000);
    greedy.socket.resume();
    await until(() => greedy.pongs.length === sent * 500);
  });

  it('that read nothing for two pings are cut off, their events kept (SEC-9)', async () => {
    const { server, url, clock } = await start({
      maxInterval: 1_000_000,
      websocket: { maxBufferedBytes: 10_000 },
    });
    const slow = await WebSocketClient.connected(url, '/n');
    const [session] = server.sessions;
    slow.socket.pause();
    while ((session?.outbox.size ?? 0) < 5) {
      void server.publish('/n', 'x'.repeat(20_000));
      await turn();
    }
    const waiting = session?.outbox.size ?? 0;
    for (const _ of [1, 2, 3]) await clock.tick(25_000);
    await until(() => session?.push === undefined);
    await until(() => (session?.outbox.size ?? 0) > waiting);
  });

  it('that read what was written stay, though they answer no ping', async () => {
    const { server, url, clock } = await start({ maxInterval: 1_000_000 });
    const mute = await WebSocketClient.connected(url, '/n');
    mute.answersPings = false;
    const [session] = server.sessions;
    for (const round of [1, 2, 3]) {
      mute.socket.pause();
      while ((session?.outbox.size ?? 0) === 0) {
        void server.publish('/n', 'x'.repeat(20_000));
        await turn();
      }
      await clock.tick(25_000);
      await clock.tick(25_000);
      mute.socket.resume();
      await until(() => session?.outbox.size === 0 && mute.pings === 2 * round);
    }
    expect(mute.ended).toBe(false);
  });
});

describe('a socket with too much at work (PR-12)', () => {
  it('is not read past a hundred requests that wait, nor pinged to death, and read on later', async () => {
    const waits: (() => void)[] = [];
    const canPublish = () => new Promise<boolean>((resolve) => waits.push(() => resolve(true)));
    const { http, url, clock } = await start({
      maxInterval: 1_000_000,
      hookTimeout: 1_000_000,
      policy: { canPublish },
    });
    let isPaused = () => false;
    http.on('connection', (socket) => {
      isPaused = () => socket.isPaused();
    });
    const alice = await WebSocketClient.connected(url);
    const messages = upTo(300).map((data) => alice.message('/a', { data }));
    for (const message of messages) {
      alice.send(message);
      await turn();
    }
    await until(isPaused);
    for (const _ of [1, 2, 3, 4]) await clock.tick(25_000);
    expect(alice.ended).toBe(false);
    let allowed = 0;
    while (allowed < messages.length) {
      await until(() => waits.length > allowed);
      for (; allowed < waits.length; allowed += 1) waits[allowed]?.();
    }
    await until(() => alice.messages.filter(({ channel }) => channel === '/a').length === messages.length);
    expect(alice.messages.filter(({ channel }) => channel === '/a').map(({ id }) => id)).toEqual(
      messages.map(({ id }) => id),
    );
    expect(isPaused()).toBe(false);
  });
});

describe('a socket that fails while it is read', () => {
  it('harms nobody, and what it did not carry waits for the next one', async () => {
    const { http, server, url } = await start();
    let fail = () => {};
    http.on('connection', (socket) => {
      fail = () => socket.destroy();
    });
    const alice = await WebSocketClient.connected(url, '/n');
    server.subscribe('/n', () => fail());
    alice.send(alice.message('/n', { data: 1 }));
    await until(() => alice.ended);
    const [session] = server.sessions;
    await until(() => session?.push === undefined);
    expect(session?.outbox.size).toBe(1);
  });
});

describe('work saved', () => {
  it('a turn of events is one frame, built once, for all who subscribe', async () => {
    const of = vi.spyOn(Frames.prototype, 'of');
    const { server, url } = await start();
    const clients = await Promise.all(upTo(20).map(() => WebSocketClient.connected(url, '/n', '/**')));
    of.mockClear();
    for (const data of upTo(10)) void server.publish('/n', data);
    await until(() => clients.every((client) => client.data('/n').length === 10));
    expect(of).toHaveBeenCalledTimes(20);
    expect(new Set(of.mock.results.map(({ value }) => value)).size).toBe(1);
  });

  it('the replies to frames that came together leave together', async () => {
    const { http, url } = await start();
    const writes: number[] = [];
    http.on('connection', (socket) => {
      const write = socket._writev?.bind(socket);
      socket._writev = (chunks, done) => {
        writes.push(chunks.length);
        write?.(chunks, done);
      };
    });
    const alice = await WebSocketClient.connected(url);
    const messages = upTo(32).map((data) => alice.message('/a', { data }));
    alice.socket.write(Buffer.concat(messages.map((message) => masked(JSON.stringify([message])))));
    await until(() => messages.every(({ id }) => alice.messages.some((one) => one.id === id)));
    expect(writes).toEqual([32]);
  });
});
