import { type Socket, connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServerSettings } from '../../src/index.ts';
import type { Client } from '../conformance/client.ts';
import type { Transport } from '../conformance/check.ts';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { client, reach } from '../transports/sessions.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';

/** A victim that subscribes and has its connect held, and a thief on another address. */
async function attacked(settings: ServerSettings = {}) {
  const here = await start(settings);
  const victim = await client(here.url);
  await victim.subscribe('/secret');
  const held = await victim.hold();
  return { ...here, victim, held };
}

/** POSTs from 127.0.0.2, and gives the answer. */
async function postElsewhere(url: string, message: object): Promise<string> {
  const { port, pathname } = new URL(url);
  const body = JSON.stringify([message]);
  const socket: Socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: '127.0.0.2' });
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await until(() => text.endsWith(']'));
  return text;
}

const channels = ['/meta/subscribe', '/meta/unsubscribe', '/meta/connect', '/meta/disconnect', '/secret'];

/** Every kind of message in the name of a clientId, by a carrier that knows nothing else of the session. */
async function errorsFor(url: string, clientId: unknown, transport: Transport): Promise<unknown[]> {
  const thief = await client(url, { transport, connect: false });
  thief.link.headers = {};
  const errors: unknown[] = [];
  for (const channel of channels) {
    const fields = { subscription: '/secret', data: 1, connectionType: transport, advice: { timeout: 0 } };
    const [reply] = await thief.link.send([{ id: '1', channel, clientId, ...fields }]).messages;
    errors.push(reply?.error);
  }
  return errors;
}

/** The session of the victim is as before: it is served, and has its subscription. */
async function goesOn(victim: Client, publish: () => Promise<unknown>): Promise<void> {
  await publish();
  expect(await victim.take(1)).toEqual([{ channel: '/secret', data: 'for the victim' }]);
}

const unknown = channels.map(() => '402::session_unknown');

describe('a clientId that was stolen, where trustClientSession is false (CK-2)', () => {
  it.each<Transport>(['long-polling', 'callback-polling', 'websocket'])(
    'is worth nothing without the cookie: %s',
    async (transport) => {
      const { url, victim, held, server } = await attacked({ trustClientSession: false });
      expect(await errorsFor(url, victim.clientId, transport)).toEqual(unknown);
      expect(held.answered()).toBe(false);
      await goesOn(victim, () => server.publish('/secret', 'for the victim'));
    },
  );

  it('opens no event stream without the cookie', async () => {
    const { url, victim, server } = await attacked({ trustClientSession: false });
    expect((await reach(url).stream(victim.clientId)).status).toBe(404);
    await goesOn(victim, () => server.publish('/secret', 'for the victim'));
  });

  it('is worth nothing on the WebSocket of another session', async () => {
    const { url, victim, server } = await attacked({ trustClientSession: false });
    const thief = await WebSocketClient.connected(url);
    const stolen = { id: 'x', channel: '/meta/subscribe', clientId: victim.clientId, subscription: '/own' };
    expect(await thief.ask(stolen)).toMatchObject({ error: '402::session_unknown' });
    await goesOn(victim, () => server.publish('/secret', 'for the victim'));
    expect(thief.data('/secret')).toEqual([]);
  });

  it('is worth nothing from another address', async () => {
    const { url, victim, server } = await attacked({ trustClientSession: false });
    const stolen = { channel: '/meta/disconnect', clientId: victim.clientId };
    expect(await postElsewhere(url, stolen)).toContain('402::session_unknown');
    await goesOn(victim, () => server.publish('/secret', 'for the victim'));
  });
});

describe('a guess at a clientId (SEC-2)', () => {
  it.each<Transport>(['long-polling', 'websocket'])('speaks for nobody: %s', async (transport) => {
    const { url, victim, held, server } = await attacked();
    const secret = String(victim.clientId);
    const [session] = server.sessions;
    const guesses = [
      ...[session?.id, secret.slice(0, -1), `${secret}0`, secret.toUpperCase(), `${secret}\u0000`],
      ...[secret.replace(/.$/, (last) => (last === '0' ? '1' : '0')), '', '__proto__', 'constructor'],
      ...[[secret], { 0: secret }, 0, true],
    ];
    for (const guess of guesses) expect(await errorsFor(url, guess, transport)).toEqual(unknown);
    expect(held.answered()).toBe(false);
    await goesOn(victim, () => server.publish('/secret', 'for the victim'));
  });

  it('opens no event stream either', async () => {
    const { url, victim, server } = await attacked();
    const [session] = server.sessions;
    for (const guess of [session?.id, String(victim.clientId).slice(0, -1), '', '__proto__', '%00'])
      expect((await reach(url).stream(guess)).status).toBe(404);
  });
});
