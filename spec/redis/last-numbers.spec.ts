import { expect, it } from 'vitest';
import { LastNumbers } from '../../src/redis/last-numbers.ts';

it('the last numbers of nodes are forgotten when nothing new came for long, and no earlier', () => {
  const last = new LastNumbers();
  const isNew = (origin: string, number: number, now: number) => last.isNew(origin, number, now);
  expect([isNew('a', 1, 0), isNew('a', 1, 5), isNew('b', 7, 6), isNew('a', 3, 7), isNew('a', 2, 8)]).toEqual([
    true,
    false,
    true,
    true,
    false,
  ]);
  last.forgetBefore(7);
  expect([last.size, isNew('a', 3, 9), isNew('b', 7, 9)]).toEqual([1, false, true]);
});
