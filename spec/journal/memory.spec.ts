import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Memory } from '../../src/features/journal/memory.ts';
import { copied } from '../../src/features/journal/ring.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

const used = () => {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

const NOW = 1_800_000_000_000;
const MAX = 2 * 1_048_576;
/** Twice as many of everything as fit. */
const MANY = 11_000;

const texts = fc.record({
  channel: fc.integer({ min: 1, max: 255 }),
  other: fc.integer({ min: 1, max: 500 }),
  receivers: fc.integer({ min: 0, max: 12 }),
  isWide: fc.boolean(),
});

/** A text that nothing else holds, as clients send them. */
const fresh = (length: number, at: number, letter: string) =>
  copied(`/${at.toString(36)}${letter.repeat(length)}`.slice(0, Math.max(length, 2)), 1000);

interface Sizes {
  readonly channel: number;
  readonly other: number;
  readonly receivers: number;
  readonly isWide: boolean;
}

/** A memory after far more than fits. */
function flooded({ channel, other, receivers, isWide }: Sizes): Memory {
  const memory = new Memory(MAX);
  const letter = isWide ? 'ж' : 'x';
  for (let of = 0; of < MANY; of += 1) {
    const at = NOW + of;
    const id = memory.publishes.add(at, fresh(channel, of, 'x'), of, false, false);
    memory.publishes.matched(id, receivers, (one) => one + 1);
    memory.publishes.note(id, 1, of % 4);
    const text = fresh(other, of, letter);
    memory.lost.add({ at, publish: id, channel: fresh(channel, of, 'x'), number: of, cause: 'queue' });
    memory.ended.add({ at, number: of, session: fresh(20, of, 'x'), user: text, reason: 'timeout' });
    memory.subscribed.add({ at, number: of, pattern: fresh(channel, of, 'x'), isOn: true });
    const reply = fresh(other, of, letter);
    memory.refused.add({ at, times: 1, event: 'origin.refused', why: fresh(other, of, letter), reply });
  }
  return memory;
}

describe('the memory of the journal', () => {
  it('stays within maxBytes, whatever comes', () => {
    // The code itself takes memory once it is compiled. No memory is given up here: when that is collected is not known.
    const kept = [flooded({ channel: 10, other: 10, receivers: 3, isWide: false })];
    fc.assert(
      fc.property(texts, (sizes) => {
        const before = used();
        const memory = flooded(sizes);
        kept.push(memory);
        const grown = used() - before;
        expect(grown).toBeLessThan(MAX);
        expect(grown).toBeGreaterThan(MAX / 4);
        expect([...memory.publishes.newest(MANY)].length).toBeGreaterThan(1000);
        expect([...memory.lost.newest(1)][0]?.at).toBe(NOW + MANY - 1);
      }),
      { numRuns: 12 },
    );
    expect(kept).toHaveLength(13);
  });
});
