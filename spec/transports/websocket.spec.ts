import { describe, expect, it } from 'vitest';
import { start } from '../support/start.ts';
import { settle, turn, until } from '../support/until.ts';
import { masked, WebSocketClient, type Wire } from './websocket-client.ts';

const post = async (url: string, ...messages: readonly Wire[]): Promise<Wire[]> => {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(messages) });
  const replies: Wire[] = response.status === 200 ? JSON.parse(await response.text()) : [];
  return response.status === 200 ? replies : [{ status: response.status }];
};

describe('events on a WebSocket', () => {
  it('are pushed while the connect stays held', async () => {
    const { server, url, clock } = await start();
    const alice = await WebSocketClient.connected(url, '/a');
    const held = alice.hold();
    await until(() => [...server.sessions].some(({ state }) => state === 'held'));
    await server.publish('/a', 1);
    await until(() => alice.data('/a').length === 1);
    expect([...server.sessions].map(({ state }) => state)).toEqual(['held']);
    await clock.tick(30_000);
    expect(await alice.reply(held)).toMatchObject({ successful: true });
  });

  it('share a frame when they are queued in one turn, before the replies of that turn (WS-6)', async () => {
    const { server, url } = await start();
    const alice = await WebSocketClient.connected(url, '/a');
    const before = alice.frames.length;
    for (const data of [1, 2, 3]) void server.publish('/a', data);
    await until(() => alice.data('/a').length === 3);
    expect(alice.frames).toHaveLength(before + 1);
    await alice.publish('/a', 4);
    expect(alice.messages.slice(-2)).toMatchObject([{ data: 4 }, { channel: '/a', successful: true }]);
    expect(alice.frames).toHaveLength(before + 2);
  });

  it('leave within the turn of the event loop that queued them (WS-6)', async () => {
    const { server, url } = await start();
    const alice = await WebSocketClient.connected(url, '/a');
    const [session] = server.sessions;
    await server.publish('/a', 1);
    expect(session?.outbox.size).toBe(1);
    await turn();
    expect(session?.outbox.size).toBe(0);
    await until(() => alice.data('/a').length === 1);
  });

  it('wake the connect, and stand before its reply in one frame, when they are deliverOnly (CN-14)', async () => {
    const { server, url } = await start({ metaConnectDeliverOnly: true });
    const alice = await WebSocketClient.connected(url, '/a');
    await server.publish('/a', 0);
    await settle();
    expect(alice.data('/a')).toEqual([]);
    const connect = alice.hold();
    await alice.reply(connect);
    const held = alice.hold();
    await until(() => [...server.sessions].some(({ state }) => state === 'held'));
    await server.publish('/a', 1);
    await alice.reply(held);
    expect(JSON.parse(alice.frames.at(-1) ?? '')).toMatchObject([
      { data: 1 },
      { id: held.id, successful: true },
    ]);
    expect(alice.data('/a')).toEqual([0, 1]);
  });

  it('have a frame each where the option says so', async () => {
    const { server, url } = await start({ websocket: { messagesPerFrame: 1 } });
    const alice = await WebSocketClient.connected(url, '/a');
    const before = alice.frames.length;
    for (const data of [1, 2, 3]) void server.publish('/a', data);
    await until(() => alice.data('/a').length === 3);
    expect(alice.frames).toHaveLength(before + 3);
    expect(alice.data('/a')).toEqual([1, 2, 3]);
  });

  it('go in several frames when they are more than one may carry (DL-11)', async () => {
    const { server, url } = await start({ websocket: { maxFlushBytes: 1000 } });
    const alice = await WebSocketClient.connected(url, '/a');
    const before = alice.frames.length;
    for (const data of ['a', 'b', 'c', 'd', 'e']) void server.publish('/a', data.repeat(400));
    await until(() => alice.data('/a').length === 5);
    expect(alice.frames).toHaveLength(before + 3);
    expect(alice.data('/a')).toEqual(['a', 'b', 'c', 'd', 'e'].map((data) => data.repeat(400)));
  });
});

describe('two connects of a session', () => {
  it('on one socket: the older one is told that it was replaced (CN-11)', async () => {
    const { url, clock } = await start();
    const alice = await WebSocketClient.connected(url);
    const older = alice.hold();
    const newer = alice.hold();
    expect(await alice.reply(older)).toMatchObject({
      successful: false,
      error: '409::connect_replaced',
      advice: { reconnect: 'retry', interval: 0 },
    });
    await clock.tick(30_000);
    expect(await alice.reply(newer)).toMatchObject({ successful: true });
  });

  it('with the same id: the repetition alone is answered', async () => {
    const { url, clock } = await start();
    const alice = await WebSocketClient.connected(url);
    const connect = alice.hold();
    alice.send(connect);
    await alice.publish('/b', 1);
    await clock.tick(30_000);
    await alice.reply(connect);
    expect(alice.messages.filter(({ id }) => id === connect.id)).toHaveLength(1);
  });

  it('on two sockets: the older socket hears nothing more', async () => {
    const { server, url } = await start();
    const first = await WebSocketClient.connected(url, '/a');
    first.hold();
    const second = await WebSocketClient.open(url);
    second.clientId = first.clientId;
    await second.ask(second.message('/meta/connect', { id: 'again', advice: { timeout: 0 } }));
    const seen = first.frames.length;
    await server.publish('/a', 1);
    await until(() => second.data('/a').length === 1);
    await settle();
    expect(first.frames).toHaveLength(seen);
    expect(first.ended).toBe(false);
  });

  it('one held by HTTP, then one on a socket: the poll yields with 500 (WS-11)', async () => {
    const { server, url } = await start();
    const alice = await WebSocketClient.connected(url);
    alice.socket.destroy();
    const { clientId } = alice;
    const poll = post(url, { id: 'p', channel: '/meta/connect', clientId, connectionType: 'long-polling' });
    await until(() => [...server.sessions].some(({ state }) => state === 'held'));
    const socket = await WebSocketClient.open(url);
    socket.clientId = clientId;
    await socket.publish('/b', 1);
    expect([...server.sessions].map(({ state }) => state)).toEqual(['held']);
    socket.hold();
    expect(await poll).toEqual([{ status: 500 }]);
  });
});

describe('the end of a session', () => {
  it('by the client: the held connect, the reply, and close 1000 after a second (DC-2, DC-3)', async () => {
    const { url, clock } = await start();
    const alice = await WebSocketClient.connected(url);
    const held = alice.hold();
    const disconnect = alice.message('/meta/disconnect');
    expect(await alice.ask(disconnect)).toMatchObject({ successful: true, clientId: alice.clientId });
    expect(alice.messages.slice(-2)).toMatchObject([
      { id: held.id, successful: true, advice: { reconnect: 'none' } },
      { id: disconnect.id },
    ]);
    await clock.tick(999);
    expect(alice.code).toBeUndefined();
    await clock.tick(1);
    await until(() => alice.ended);
    expect(alice.code).toBe(1000);
    expect(clock.pending).toBe(0);
  });

  it('leaves the socket open for a session that shook hands on it meanwhile', async () => {
    const { server, url, clock } = await start();
    const alice = await WebSocketClient.connected(url);
    await alice.ask(alice.message('/meta/disconnect'));
    await alice.handshake({ id: 'anew' });
    await alice.connected('/a');
    await clock.tick(5000);
    await server.publish('/a', 1);
    await until(() => alice.data('/a').length === 1);
    expect(alice.code).toBeUndefined();
  });

  it('by the server: a notice, the held connect fails, close 1000', async () => {
    const { server, url, clock } = await start();
    const alice = await WebSocketClient.connected(url);
    const held = alice.hold();
    await until(() => [...server.sessions].some(({ state }) => state === 'held'));
    for (const session of server.sessions) session.disconnect();
    await alice.reply(held);
    expect(alice.messages.slice(-2)).toMatchObject([
      { channel: '/meta/disconnect', successful: true },
      { id: held.id, successful: false, error: '410::session_disconnected', advice: { reconnect: 'none' } },
    ]);
    await clock.tick(1000);
    await until(() => alice.ended);
    expect(alice.code).toBe(1000);
  });

  it('by the server, while no connect is held: the notice alone', async () => {
    const { server, url } = await start();
    const alice = await WebSocketClient.connected(url);
    for (const session of server.sessions) session.disconnect();
    await until(() => alice.messages.at(-1)?.channel === '/meta/disconnect');
  });
});

describe('sessions and sockets', () => {
  it('a second session on a socket is served without moving the first (WS-9)', async () => {
    const { server, url } = await start();
    const first = await WebSocketClient.connected(url, '/first');
    const second = await WebSocketClient.connected(url);
    const foreign = {
      ...first.message('/meta/subscribe'),
      clientId: second.clientId,
      subscription: '/second',
    };
    expect(await first.ask(foreign)).toMatchObject({ successful: true });
    await server.publish('/first', 1);
    await server.publish('/second', 2);
    await until(() => first.data('/first').length === 1 && second.data('/second').length === 1);
    expect(first.data('/second')).toEqual([]);
  });

  it('a handshake on a bound socket: no event of the old session comes there any more (HS-2)', async () => {
    const { server, url } = await start();
    const alice = await WebSocketClient.connected(url, '/old');
    await alice.handshake({ id: 'anew' });
    await alice.connected('/new');
    await server.publish('/old', 1);
    await server.publish('/new', 2);
    await until(() => alice.data('/new').length === 1);
    expect(alice.data('/old')).toEqual([]);
    expect(server.sessions.size).toBe(2);
  });

  it('trustClientSession false: a session is answered on its own socket only', async () => {
    const { url } = await start({ trustClientSession: false });
    const first = await WebSocketClient.connected(url);
    const second = await WebSocketClient.connected(url);
    const foreign = { ...first.message('/a', { data: 1 }), clientId: second.clientId };
    expect(await first.ask(foreign)).toMatchObject({ successful: false, error: '402::session_unknown' });
  });

  it('requireHandshakePerConnection: a session dies with its socket, as far as sockets go', async () => {
    const { url } = await start({ websocket: { requireHandshakePerConnection: true } });
    const first = await WebSocketClient.connected(url);
    const second = await WebSocketClient.open(url);
    second.clientId = first.clientId;
    expect(await second.ask(second.message('/meta/connect', { id: 'x' }))).toMatchObject({
      successful: false,
      error: '402::session_unknown',
      advice: { reconnect: 'handshake' },
    });
    expect(await first.publish('/a', 1)).toMatchObject({ successful: true });
  });

  it('a lost socket keeps the session; what is queued follows on the next one (WS-10, WS-12)', async () => {
    const { server, url } = await start();
    const first = await WebSocketClient.connected(url, '/a');
    first.hold();
    await until(() => [...server.sessions].some(({ state }) => state === 'held'));
    first.socket.destroy();
    await until(() => [...server.sessions].some(({ state }) => state === 'idle'));
    await server.publish('/a', 1);
    await server.publish('/a', 2);
    const second = await WebSocketClient.open(url);
    second.clientId = first.clientId;
    await second.ask(second.message('/b', { id: 'b', data: 0 }));
    await until(() => second.data('/a').length === 2);
    expect(second.data('/a')).toEqual([1, 2]);
  });
});

describe('requests on a WebSocket', () => {
  it('are handled in order over frames, whatever the policy takes for each', async () => {
    const waits: (() => void)[] = [];
    const canPublish = ({ channel }: { channel: string }) =>
      channel === '/slow'
        ? new Promise<boolean>((resolve) => waits.push(() => resolve(true)))
        : Promise.resolve(true);
    const { url } = await start({ policy: { canPublish } });
    const alice = await WebSocketClient.connected(url, '/slow', '/fast');
    alice.hold();
    const slow = alice.message('/slow', { data: 1 });
    const fast = alice.message('/fast', { data: 2 });
    alice.send(slow);
    alice.send(fast);
    await until(() => waits.length === 1);
    await settle();
    expect(alice.messages.some(({ id }) => id === slow.id || id === fast.id)).toBe(false);
    for (const go of waits) go();
    await alice.reply(fast);
    await until(() => alice.data('/fast').length === 1);
    const events = alice.messages.filter((one) => 'data' in one).map(({ data }) => data);
    expect(events).toEqual([1, 2]);
    const replies = alice.messages.filter(({ id }) => id === slow.id || id === fast.id);
    expect(replies.map(({ id }) => id)).toEqual([slow.id, fast.id]);
  });

  it('are read however they are cut into pieces', async () => {
    const { url } = await start();
    const alice = await WebSocketClient.connected(url, '/a');
    const message = alice.message('/a', { data: 'é漢🎈'.repeat(100) });
    const bytes = masked(JSON.stringify([message]));
    for (const byte of bytes) {
      alice.socket.write(Buffer.from([byte]));
      await turn();
    }
    await alice.reply(message);
    expect(alice.data('/a')).toEqual(['é漢🎈'.repeat(100)]);
  });

  it('are taken as a bare object, and `[]` is passed over (WS-4, WS-5)', async () => {
    const { url } = await start();
    const alice = await WebSocketClient.connected(url);
    const before = alice.frames.length;
    alice.socket.write(masked('[]'));
    const message = alice.message('/a', { data: 1 });
    alice.socket.write(masked(JSON.stringify(message)));
    expect(await alice.reply(message)).toMatchObject({ successful: true });
    expect(alice.frames).toHaveLength(before + 1);
  });

  it('show the policy what the upgrade brought (HS-17)', async () => {
    const asked: unknown[] = [];
    const policy = {
      canHandshake: ({ request }: { request: unknown }) => {
        asked.push(request);
        return true;
      },
    };
    const { url } = await start({ policy });
    const client = await WebSocketClient.open(`${url}/below?x=1`, { Cookie: 'a=1; b=2', 'X-Token': 't' });
    await client.handshake();
    expect(asked).toMatchObject([
      {
        transport: 'websocket',
        address: '127.0.0.1',
        url: '/bayeux/below?x=1',
        cookies: { a: '1', b: '2' },
        headers: { 'x-token': 't' },
      },
    ]);
    expect(Object.isFrozen(asked[0])).toBe(true);
  });
});
