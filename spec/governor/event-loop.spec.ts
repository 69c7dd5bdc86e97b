import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/lib/log.ts';
import { NoRoomError } from '../../src/protocol/errors.ts';
import { Server } from '../../src/server.ts';
import { ask, FakeClient, handshake } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';
import { turn } from '../support/until.ts';
import { BusyClock } from './busy-clock.ts';

const text = JSON.stringify([handshake()]);

function served() {
  const warnings: LogEvent[] = [];
  const clock = new BusyClock();
  const log = (event: LogEvent): void => void (event.level === 'warn' && warnings.push(event));
  const server = new Server({ clock, log, maxInterval: 1_000_000 });
  /** A handshake comes, and the next two turns take so long. */
  const measure = async (ms: number) => {
    clock.turnTakes = ms;
    await ask(server, handshake());
    await turn();
    await turn();
    clock.turnTakes = 0;
  };
  return { server, clock, warnings, measure };
}

describe('while the event loop is late', () => {
  it('handshakes are refused before they are read, and other messages are not', async () => {
    const { server, measure, warnings } = served();
    const client = await FakeClient.connected(server);
    await turn();
    await measure(501);
    await measure(501);
    expect(() => server.decode(text)).toThrow(NoRoomError);
    // The text is no JSON: nothing has read it.
    expect(() => server.decode('{"channel":"/meta/handshake"')).toThrow(NoRoomError);
    expect(() => server.decode(['{}', text])).toThrow(NoRoomError);
    expect((await client.publish('/a', 1)).reply.successful).toBe(true);
    expect(warnings).toMatchObject([
      { event: 'handshake.refused', option: 'limits.maxEventLoopDelay', limit: 500, count: 1 },
    ]);
    expect(server.refused).toEqual({ 'limits.maxEventLoopDelay': 3 });
  });

  it('a handshake that is written with escapes is refused all the same', async () => {
    const { server, measure } = served();
    await measure(501);
    await measure(501);
    const conduit = exchange();
    await server.receive(server.decode(text.replaceAll('/', '\\/')), conduit);
    expect(conduit.ends).toEqual(['capacity']);
    expect(conduit.retryAfter).toBeGreaterThanOrEqual(5_000);
    expect(conduit.retryAfter).toBeLessThanOrEqual(10_000);
  });

  it('one late turn refuses nobody', async () => {
    const { server, measure } = served();
    await measure(10);
    await measure(5_000);
    expect(server.decode(text)).toHaveLength(1);
    await measure(10);
    await measure(5_000);
    expect(server.decode(text)).toHaveLength(1);
  });

  it('handshakes are taken again when a turn was short, or none was measured for a second', async () => {
    const { server, clock, measure } = served();
    await measure(501);
    await measure(501);
    expect(() => server.decode(text)).toThrow(NoRoomError);
    await turn();
    await turn();
    expect(server.decode(text)).toHaveLength(1);
    await measure(501);
    await measure(501);
    await clock.tick(1_001);
    expect(server.decode(text)).toHaveLength(1);
  });
});
