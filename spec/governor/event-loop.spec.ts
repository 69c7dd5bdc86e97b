import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/lib/log.ts';
import { NoRoomError } from '../../src/protocol/errors.ts';
import { Server } from '../../src/server.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { ask, FakeClient, handshake } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';
import { turn } from '../support/until.ts';

/** A clock whose timers fire late, as those of a busy event loop do. */
class BusyClock extends FakeClock {
  lateBy = 0;

  override now(): number {
    return super.now() + this.#shift;
  }

  #shift = 0;

  override after(ms: number, call: () => void) {
    return super.after(ms, () => {
      this.#shift += this.lateBy;
      call();
    });
  }
}

function served() {
  const warnings: LogEvent[] = [];
  const clock = new BusyClock();
  const log = (event: LogEvent): void => void (event.level === 'warn' && warnings.push(event));
  const server = new Server({ clock, log, maxInterval: 1_000_000 });
  return { server, clock, warnings };
}

const text = JSON.stringify([handshake()]);

describe('while the event loop is late', () => {
  it('handshakes are refused before they are read, and other messages are not', async () => {
    const { server, clock, warnings } = served();
    const client = await FakeClient.connected(server);
    clock.lateBy = 501;
    await clock.tick(60);
    expect(() => server.decode(text)).toThrow(NoRoomError);
    // The text is no JSON: it was not looked at.
    expect(() => server.decode('{"channel":"/meta/handshake"')).toThrow(NoRoomError);
    expect(() => server.decode(['{}', text])).toThrow(NoRoomError);
    expect((await client.publish('/a', 1)).reply.successful).toBe(true);
    expect(warnings).toMatchObject([
      { event: 'handshake.refused', option: 'limits.maxEventLoopDelay', limit: 500, count: 1 },
    ]);
    expect(server.refused).toEqual({ 'limits.maxEventLoopDelay': 3 });
  });

  it('a handshake that is written with escapes is refused all the same', async () => {
    const { server, clock } = served();
    await FakeClient.connected(server);
    clock.lateBy = 501;
    await clock.tick(60);
    const conduit = exchange();
    await server.receive(server.decode(text.replaceAll('/', '\\/')), conduit);
    expect(conduit.ends).toEqual(['capacity']);
    expect(conduit.retryAfter).toBeGreaterThanOrEqual(5_000);
    expect(conduit.retryAfter).toBeLessThanOrEqual(10_000);
  });

  it('one late turn refuses nobody', async () => {
    const { server, clock } = served();
    await FakeClient.connected(server);
    await clock.tick(20);
    clock.lateBy = 5_000;
    await clock.tick(20);
    clock.lateBy = 0;
    await clock.tick(20);
    expect(server.decode(text)).toHaveLength(1);
  });

  it('handshakes are taken again when it is not late any more, and nothing is measured without handshakes', async () => {
    const { server, clock } = served();
    const before = clock.pending;
    await ask(server, handshake());
    clock.lateBy = 501;
    await clock.tick(60);
    expect(() => server.decode(text)).toThrow(NoRoomError);
    clock.lateBy = 0;
    await clock.tick(40);
    expect(server.decode(text)).toHaveLength(1);
    await clock.tick(3_000);
    // The session has a timer of its own.
    expect(clock.pending).toBe(before + 1);
    await server.close();
    await turn();
    expect(clock.pending).toBe(0);
  });
});
