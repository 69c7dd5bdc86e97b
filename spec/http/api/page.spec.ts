import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { type PageQuery, pageOf } from '../../../src/http/api/page.ts';

const list = (all: Iterable<string>) => ({ all, keyOf: (key: string) => key });
const page = (all: Iterable<string>, query: PageQuery = {}) => pageOf(list(all), query, systemClock);

describe('a page', () => {
  it('of any list and size: pages that follow each other have each item once, in order', async () => {
    const keys = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(keys, fc.integer({ min: 1, max: 20 }), async (all, limit) => {
        const seen: string[] = [];
        let next: string | undefined;
        do {
          const { items, ...rest } = await page(all, { limit, ...(next !== undefined && { after: next }) });
          seen.push(...items);
          expect(items.length).toBe(rest.next === undefined ? items.length : limit);
          next = rest.next;
        } while (next !== undefined);
        expect(seen).toEqual([...all].sort((one, other) => (one < other ? -1 : 1)));
      }),
    );
  });

  it('misses no item that stays, whatever is added and removed between pages', async () => {
    const all = new Set(Array.from({ length: 300 }, (_, at) => `stays ${at}`));
    const seen: string[] = [];
    let after: string | undefined;
    for (let turn = 0; ; turn += 1) {
      const { items, next } = await page(all, { limit: 10, ...(after !== undefined && { after }) });
      seen.push(...items);
      if (next === undefined) break;
      after = next;
      for (const name of [`0 ${turn}`, `stays ${turn} too`, `z ${turn}`]) all.add(name);
      all.delete(`z ${turn - 1}`);
      all.delete(`stays ${turn - 1} too`);
    }
    const stayed = seen.filter((name) => /^stays \d+$/.test(name));
    expect(stayed.length).toBe(300);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('looks at no more than 1,000 items of a list in one turn of the event loop, whether they are wanted or not', async () => {
    let turns = 0;
    let sinceTurn = 0;
    let most = 0;
    const clock = {
      soon: (call: () => void) =>
        systemClock.soon(() => {
          turns += 1;
          sinceTurn = 0;
          call();
        }),
    };
    function* all() {
      for (let at = 0; at < 100_000; at += 1) {
        sinceTurn += 1;
        most = Math.max(most, sinceTurn);
        yield `${(at * 7919) % 100_000}`;
      }
    }
    const { items } = await pageOf(
      { ...list(all()), isWanted: (key) => key.endsWith('7') },
      { limit: 3 },
      clock,
    );
    expect(items).toEqual(['10007', '10017', '10027']);
    expect([turns, most]).toEqual([100, 1000]);
  });
});
