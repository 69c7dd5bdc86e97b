import { expect, it } from 'vitest';
import { Rounds } from '../../src/transports/websocket-rounds.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

function rounds(period: number): { rounds: Rounds<string>; clock: FakeClock; visited: [string, number][] } {
  const clock = new FakeClock();
  const begin = clock.now();
  const visited: [string, number][] = [];
  return {
    rounds: new Rounds(clock, period, (one) => visited.push([one, clock.now() - begin])),
    clock,
    visited,
  };
}

it('visits each member in its own time, again and again, with one timer', async () => {
  const { rounds: all, clock, visited } = rounds(1000);
  all.add('a');
  await clock.tick(400);
  all.add('b');
  expect(clock.pending).toBe(1);
  await clock.tick(2100);
  expect(visited).toEqual([
    ['a', 1000],
    ['b', 1400],
    ['a', 2000],
    ['b', 2400],
  ]);
  expect(clock.pending).toBe(1);
});

it('visits together who joined within a tenth of a second', async () => {
  const { rounds: all, clock, visited } = rounds(1000);
  for (const one of ['a', 'b', 'c', 'd']) {
    all.add(one);
    await clock.tick(30);
  }
  await clock.tick(1000);
  expect(visited).toEqual([
    ['a', 1000],
    ['b', 1100],
    ['c', 1100],
    ['d', 1100],
  ]);
});

it('leaves out who was removed, even on the way, and rests when nobody is left', async () => {
  const { rounds: all, clock, visited } = rounds(1000);
  for (const one of ['a', 'b', 'c']) all.add(one);
  all.delete('b');
  await clock.tick(1000);
  expect(visited.map(([one]) => one)).toEqual(['a', 'c']);
  all.delete('a');
  all.delete('c');
  all.delete('c');
  expect(clock.pending).toBe(0);
  all.add('d');
  await clock.tick(1000);
  expect(visited.at(-1)).toEqual(['d', 2000]);
});

it('may visit more often than it gathers members', async () => {
  const { rounds: all, clock, visited } = rounds(1);
  all.add('a');
  await clock.tick(3);
  expect(visited.map(([, at]) => at)).toEqual([1, 2, 3]);
});
