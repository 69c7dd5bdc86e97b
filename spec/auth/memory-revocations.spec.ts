import { describe, expect, it, onTestFinished } from 'vitest';
import { MemoryRevocations } from '../../src/features/auth/memory-revocations.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { revocationsContract } from '../core/contracts/revocations.ts';

const roomy = { maxEntries: 100, maxBytes: 1_000_000 };

revocationsContract('memory', () => {
  const clock = new FakeClock();
  return { clock, list: new MemoryRevocations(roomy, clock) };
});

function made(limits = roomy) {
  const clock = new FakeClock();
  const list = new MemoryRevocations(limits, clock);
  const add = (id: string, ms = 1000) =>
    list.add({ kind: 'token', id, revokedAt: clock.now(), until: clock.now() + ms });
  const covers = (token: string) => list.covers({ sub: 'ann', token, issuedAt: clock.now() });
  return { clock, list, add, covers };
}

describe('the list of revocations in memory', () => {
  it.each([
    [{ maxEntries: 2, maxBytes: 10_000 }, 'auth.revocations.maxEntries is 2; raise it'],
    [{ maxEntries: 100, maxBytes: 500 }, 'auth.revocations.maxBytes is 500; raise it'],
  ])('that is full says so, and keeps what it has: %j', (limits, sentence) => {
    const { list, add, covers } = made(limits);
    add('a');
    add('b');
    expect(() => add('c')).toThrow(sentence);
    expect(list.size).toBe(2);
    expect(['a', 'b', 'c'].map(covers)).toEqual([true, true, false]);
    add('b', 2000);
    expect(list.size).toBe(2);
  });

  it('has room again when entries have ended', async () => {
    const { clock, list, add, covers } = made({ maxEntries: 2, maxBytes: 10_000 });
    add('long', 5000);
    add('short', 1000);
    await clock.tick(1000);
    add('c');
    expect([list.size, covers('long'), covers('c')]).toEqual([2, true, true]);
    await clock.tick(5000);
    add('d');
    expect(list.size).toBe(1);
  });

  it('stays within its limits under a million revocations', () => {
    const limits = { maxEntries: 100_000, maxBytes: 33_554_432 };
    const { list, add } = made(limits);
    // Stacks of 900,000 errors take seconds.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    onTestFinished(() => {
      Error.stackTraceLimit = stackTraceLimit;
    });
    let refused = 0;
    for (let id = 0; id < 1_000_000; id += 1) {
      try {
        add(`token-${id}`);
      } catch {
        refused += 1;
      }
    }
    expect([list.size, refused]).toEqual([100_000, 900_000]);
    expect(list.bytes).toBeLessThanOrEqual(limits.maxBytes);
  });
});
