import { describe, expect, it } from 'vitest';
import type { ServerSettings } from '../../src/index.ts';
import { start } from '../support/start.ts';
import { turn, until } from '../support/until.ts';
import { handshake, masked, WebSocketClient } from '../transports/websocket-client.ts';
import { BusyClock } from './busy-clock.ts';

const body = JSON.stringify([handshake()]);

async function post(url: string, text = body) {
  const response = await fetch(url, {
    method: 'POST',
    body: text,
    headers: { 'Content-Type': 'application/json' },
  });
  return {
    status: response.status,
    text: await response.text(),
    retryAfter: Number(response.headers.get('Retry-After')),
  };
}

const inLine = 'is 1 a second; raise it to allow more';

describe('a handshake that is refused', () => {
  it.each<[string, ServerSettings, string, number, number]>([
    [
      'by the rate of its address',
      { limits: { handshakesPerAddress: 1 } },
      `"limits.handshakesPerAddress" ${inLine}`,
      1,
      2,
    ],
    ['by the number of sessions', { maxSessions: 1 }, '"maxSessions" is 1; raise it to allow more', 5, 10],
  ])('%s gets 503 and when to come again', async (_name, settings, why, least, most) => {
    const { url } = await start(settings);
    expect((await post(url)).status).toBe(200);
    const { status, text, retryAfter } = await post(url);
    expect([status, text]).toEqual([503, `Service unavailable: ${why}`]);
    expect(retryAfter).toBeGreaterThanOrEqual(least);
    expect(retryAfter).toBeLessThanOrEqual(most);
  });

  it('on a WebSocket gets 1013 and when to come again', async () => {
    const { url } = await start({ limits: { handshakesPerAddress: 1 } });
    await WebSocketClient.shaken(url);
    const second = await WebSocketClient.open(url);
    second.send(handshake());
    await until(() => second.ended);
    expect(second.code).toBe(1013);
    expect(second.reason).toMatch(
      /^"limits\.handshakesPerAddress" is 1 a second; raise it to allow more; come again in [12] s$/,
    );
  });

  it('while the event loop is late gets 503 or 1013, before it is read', async () => {
    const clock = new BusyClock();
    const { server, url } = await start({ clock });
    const wire = await WebSocketClient.open(url);
    clock.turnTakes = 501;
    for (const at of [1, 2]) {
      await post(url);
      await turn();
      await turn();
      expect(server.sessions.size).toBe(at);
    }
    clock.turnTakes = 0;
    const unreadable = '{"channel":"/meta/handshake"';
    const { status, text, retryAfter } = await post(url, unreadable);
    expect([status, text]).toEqual([503, 'Service unavailable: the server has more work than it can do']);
    expect(retryAfter).toBeGreaterThanOrEqual(5);
    expect(retryAfter).toBeLessThanOrEqual(10);
    clock.turnTakes = 501;
    for (const _ of [1, 2]) {
      await post(url);
      await turn();
      await turn();
    }
    clock.turnTakes = 0;
    wire.socket.write(masked(unreadable));
    await until(() => wire.ended);
    expect([wire.code, wire.reason]).toEqual([1013, expect.stringMatching(/come again in \d+ s$/)]);
  });
});
