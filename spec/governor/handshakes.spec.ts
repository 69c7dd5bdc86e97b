import { RateLimiterMemory } from 'rate-limiter-flexible';
import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/lib/log.ts';
import type { ServerSettings } from '../../src/server.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket } from '../support/fake-conduit.ts';
import { turn } from '../support/until.ts';
import { BusyClock } from './busy-clock.ts';

const RATE = 20;

function served(settings: ServerSettings = {}) {
  const warnings: LogEvent[] = [];
  const log = (event: LogEvent): void => void (event.level === 'warn' && warnings.push(event));
  return { ...serve({ limits: { handshakes: RATE }, maxInterval: 1_000_000, ...settings, log }), warnings };
}

/** Sends handshakes at once, each by a conduit of its own, and does not wait for the answers. */
function arrive(server: ReturnType<typeof serve>['server'], count: number, make = exchange): FakeConduit[] {
  return Array.from({ length: count }, () => {
    const conduit = make();
    void ask(server, handshake(), conduit);
    return conduit;
  });
}

const isOpen = ({ batches }: FakeConduit) => batches.length > 0;

describe('handshakes above the rate', () => {
  it('wait in a queue, first in, first out', async () => {
    const { server, clock } = served();
    const all = arrive(server, 8);
    expect(server.waitingHandshakes).toBe(6);
    await clock.tick(0);
    const open: number[] = [];
    for (let at = 0; at < 6; at += 1) {
      open.push(all.findLastIndex(isOpen));
      await clock.tick(1000 / RATE);
    }
    expect(open).toEqual([1, 2, 3, 4, 5, 6]);
    expect(all.every(isOpen)).toBe(true);
    expect(server.waitingHandshakes).toBe(0);
  });

  it('are at most 1.1 times the rate in any second', async () => {
    const { server, clock } = served();
    const opened: number[] = [];
    server.on('session.opened', () => opened.push(clock.now()));
    for (let at = 0; at < 60; at += 1) {
      arrive(server, 7);
      await clock.tick(100);
    }
    const inSecond = opened.map((from) => opened.filter((at) => at >= from && at < from + 1000).length);
    expect(Math.max(...inSecond)).toBeLessThanOrEqual(1.1 * RATE);
    expect(opened.length).toBeGreaterThan(5.9 * RATE);
  });

  it('are refused when 8 times the rate wait, each with its own time to come again', async () => {
    const { server, warnings } = served();
    const all = arrive(server, 2 + 8 * RATE + 5);
    await Promise.resolve();
    expect(all.filter(({ ends }) => ends[0] === 'capacity')).toHaveLength(5);
    expect(all.slice(-5).every(({ ends }) => ends[0] === 'capacity')).toBe(true);
    expect(new Set(all.slice(-5).map(({ retryAfter }) => retryAfter)).size).toBeGreaterThan(1);
    for (const { retryAfter = 0 } of all.slice(-5)) {
      expect(retryAfter).toBeGreaterThanOrEqual(4_000);
      expect(retryAfter).toBeLessThanOrEqual(8_000);
    }
    expect(warnings).toMatchObject([
      { event: 'handshake.refused', option: 'limits.handshakes', limit: RATE },
    ]);
    expect(server.refused).toEqual({ 'limits.handshakes': 5 });
  });

  it('wait for 8 seconds and no longer', async () => {
    const { server, clock } = served();
    const all = arrive(server, 2 + 8 * RATE);
    await clock.tick(8_000);
    expect(all.every(isOpen)).toBe(true);
  });

  it('are refused where the event loop stopped until 8 seconds were over', async () => {
    const clock = new BusyClock();
    const { server } = served({ clock });
    const all = arrive(server, 3);
    clock.stall(8_001);
    await clock.tick(50);
    expect(all.map(({ ends }) => ends)).toEqual([[], [], ['capacity']]);
    expect(server.waitingHandshakes).toBe(0);
  });

  it('leave the queue when the client gives up, and make room for others', async () => {
    const { server, clock } = served();
    const all = arrive(server, 2 + 8 * RATE);
    const second = all[3];
    if (second === undefined) throw new Error('too few');
    server.lost(second.die());
    expect(server.waitingHandshakes).toBe(8 * RATE - 1);
    const [late] = arrive(server, 1);
    expect(late?.ends).toEqual([]);
    await clock.tick(8_000);
    expect([isOpen(second), late && isOpen(late)]).toEqual([false, true]);
    expect(server.sessions.size).toBe(2 + 8 * RATE);
  });

  it('count towards the bytes of requests that wait, and leave them with the queue', async () => {
    const { server, clock } = served();
    arrive(server, 2);
    expect(server.intake.used).toBe(0);
    const waiting = arrive(server, 3);
    expect(server.intake.used).toBeGreaterThan(3 * 100);
    for (const conduit of waiting) server.lost(conduit.die());
    await clock.tick(0);
    expect(server.intake.used).toBe(0);
  });

  it('of a socket that has one in the queue end the socket', async () => {
    const { server } = served();
    arrive(server, 2);
    const wire = socket();
    void ask(server, handshake(), wire);
    await ask(server, handshake(), wire);
    expect(wire.ends).toEqual(['capacity']);
  });

  it('are refused when the server closes', async () => {
    const { server } = served();
    const all = arrive(server, 5);
    await server.close();
    await turn();
    expect(all.slice(2).map(({ ends }) => ends)).toEqual([['capacity'], ['capacity'], ['capacity']]);
    expect(server.intake.used).toBe(0);
  });

  it('come in at once where there is no limit', async () => {
    const { server } = served({ limits: { handshakes: 0, handshakesPerAddress: 0 } });
    const all = arrive(server, 500);
    expect(all.every(isOpen)).toBe(true);
  });

  it('of the application itself are not counted', async () => {
    const { server } = served();
    await Promise.all(Array.from({ length: 50 }, () => server.localSession()));
    expect(server.sessions.size).toBe(50);
  });
});

describe('handshakes of one address', () => {
  const from = (address: string) => exchange({ address });

  it('above its rate are refused, those of others let in', async () => {
    const { server, warnings } = served({ limits: { handshakesPerAddress: 2 } });
    const ends: unknown[] = [];
    for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::1', '10.0.0.1']) {
      const conduit = await ask(server, handshake(), from(address));
      ends.push(conduit.ends[0] ?? 'opened');
      if (conduit.ends.length > 0) expect(conduit.retryAfter).toBeGreaterThanOrEqual(1_000);
    }
    expect(ends).toEqual(['opened', 'opened', 'capacity', 'opened', 'opened']);
    expect(warnings).toMatchObject([
      { event: 'handshake.refused', option: 'limits.handshakesPerAddress', limit: 2, address: '2001:db8::3' },
    ]);
    expect(server.refused).toEqual({ 'limits.handshakesPerAddress': 1 });
  });

  it('are counted by a limiter of the application, which says when the next may come', async () => {
    const keys: string[] = [];
    const consume = (key: string) =>
      keys.push(key) > 1 ? Promise.reject({ msBeforeNext: 60_000 }) : Promise.resolve();
    const { server } = served({ limits: { handshakesPerAddress: { consume } } });
    const first = await ask(server, handshake(), from('::ffff:10.0.0.1'));
    const second = await ask(server, handshake(), from('10.0.0.1'));
    expect(keys).toEqual(['10.0.0.1', '10.0.0.1']);
    expect([first.ends, second.ends]).toEqual([[], ['capacity']]);
    expect(second.retryAfter).toBeGreaterThanOrEqual(60_000);
  });

  it('are counted by a limiter of rate-limiter-flexible', async () => {
    const limiter = new RateLimiterMemory({ points: 1, duration: 60 });
    const { server } = served({ limits: { handshakesPerAddress: limiter } });
    const first = await ask(server, handshake(), from('10.0.0.1'));
    const second = await ask(server, handshake(), from('10.0.0.1'));
    expect([first.ends, second.ends]).toEqual([[], ['capacity']]);
    expect(second.retryAfter).toBeGreaterThan(50_000);
  });

  it('may come again when their second is over', async () => {
    const { server, clock } = served({ limits: { handshakesPerAddress: 1 } });
    await ask(server, handshake(), from('10.0.0.1'));
    await clock.tick(1_000);
    expect((await ask(server, handshake(), from('10.0.0.1'))).ends).toEqual([]);
  });

  it('are let in where the store of that limiter fails, which is logged', async () => {
    const errors: LogEvent[] = [];
    const { server } = serve({
      limits: { handshakesPerAddress: { consume: () => Promise.reject(new Error('no Redis')) } },
      log: (event) => void (event.level === 'error' && errors.push(event)),
    });
    expect((await ask(server, handshake(), from('10.0.0.1'))).reply.successful).toBe(true);
    expect(errors).toMatchObject([{ event: 'limits.failed', option: 'limits.handshakesPerAddress' }]);
  });
});

describe('sessions of one user', () => {
  const policy = { canHandshake: () => ({ allow: true, user: 'ann' }) as const };

  it('end with maxSessionsPerUser, and there is room again when one ends', async () => {
    const { server, warnings } = served({ policy, maxSessionsPerUser: 1, limits: {} });
    const { session } = await FakeClient.open(server);
    expect((await ask(server, handshake())).ends).toEqual(['capacity']);
    session.disconnect();
    expect((await ask(server, handshake())).reply.successful).toBe(true);
    expect(warnings).toMatchObject([{ event: 'session.refused', option: 'maxSessionsPerUser', limit: 1 }]);
  });
});
