import { describe, expect, it } from 'vitest';
import { RateLimits } from '../../src/lib/rate-limits.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { serve } from '../support/fake-client.ts';

describe('rate limits', () => {
  it('give so many tokens for a key in a time, and then again', async () => {
    const clock = new FakeClock();
    const limits = new RateLimits(clock);
    const take = () => limits.take('10.0.0.1', 2, 1000);
    expect([take(), take(), take()]).toEqual([true, true, false]);
    expect(limits.take('10.0.0.2', 2, 1000)).toBe(true);
    await clock.tick(999);
    expect(take()).toBe(false);
    await clock.tick(1);
    expect([take(), take(), take()]).toEqual([true, true, false]);
  });

  it('give tokens for any number of keys', async () => {
    const clock = new FakeClock();
    const limits = new RateLimits(clock);
    for (let round = 0; round < 3; round += 1) {
      for (let at = 0; at < 3000; at += 1) expect(limits.take(`key ${at}`, 1, 100)).toBe(true);
      await clock.tick(100);
    }
  });

  it('are at hand for policies, by the clock of the server', async () => {
    const { server, clock } = serve();
    expect([server.rateLimit('a', 1, 50), server.rateLimit('a', 1, 50)]).toEqual([true, false]);
    await clock.tick(50);
    expect(server.rateLimit('a', 1, 50)).toBe(true);
  });
});
