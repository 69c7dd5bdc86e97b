import { beforeEach, describe, expect, it } from 'vitest';
import { Deadlines, type Waiter } from '../../src/core/deadlines.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

describe('deadlines', () => {
  let clock: FakeClock;
  let deadlines: Deadlines;
  let passed: string[];

  beforeEach(() => {
    clock = new FakeClock();
    deadlines = new Deadlines(clock);
    passed = [];
  });

  function waiter(name: string, onDue = () => {}): Waiter {
    return {
      ...{ rank: 0, slot: -1, dueAt: 0 },
      onDue() {
        passed.push(name);
        onDue();
      },
    };
  }

  it('pass in order of time, with one timer', async () => {
    for (const [name, ms] of [
      ['late', 300],
      ['soon', 100],
      ['then', 200],
    ] as const)
      deadlines.set(waiter(name), ms);
    expect(clock.pending).toBe(1);
    await clock.tick(99);
    expect(passed).toEqual([]);
    await clock.tick(1);
    expect(passed).toEqual(['soon']);
    await clock.tick(200);
    expect(passed).toEqual(['soon', 'then', 'late']);
    expect(clock.pending).toBe(0);
  });

  it('move later without a new timer, and earlier', async () => {
    const [one, other] = [waiter('one'), waiter('other')];
    deadlines.set(one, 100);
    deadlines.set(other, 400);
    deadlines.set(one, 200);
    deadlines.putOff(one, 300);
    deadlines.putOff(one, 50);
    await clock.tick(299);
    expect(passed).toEqual([]);
    await clock.tick(1);
    expect(passed).toEqual(['one']);
    deadlines.set(other, 10);
    await clock.tick(10);
    expect(passed).toEqual(['one', 'other']);
  });

  it('never pass early, however broken the time is', async () => {
    await clock.tick(0.4);
    deadlines.set(waiter('one'), 10.3);
    await clock.tick(10.2);
    expect(passed).toEqual([]);
    await clock.tick(1.1);
    expect(passed).toEqual(['one']);
  });

  it('leave no timer when all are cancelled', async () => {
    const [one, other] = [waiter('one'), waiter('other')];
    deadlines.set(one, 100);
    deadlines.set(other, 200);
    deadlines.cancel(one);
    deadlines.cancel(one);
    expect(clock.pending).toBe(1);
    deadlines.cancel(other);
    expect(clock.pending).toBe(0);
    await clock.tick(1000);
    expect(passed).toEqual([]);
  });

  it('are none when they are infinite', async () => {
    const one = waiter('one');
    deadlines.set(one, Number.POSITIVE_INFINITY);
    expect(clock.pending).toBe(0);
    deadlines.set(one, 100);
    deadlines.putOff(one, Number.POSITIVE_INFINITY);
    expect(clock.pending).toBe(0);
    deadlines.putOff(one, 100);
    await clock.tick(1000);
    expect(passed).toEqual([]);
  });

  it('may be set again, or cancelled, by one that passes', async () => {
    const gone = waiter('gone');
    const again: Waiter = waiter('again', () => {
      deadlines.cancel(gone);
      if (passed.length < 3) deadlines.set(again, 100);
    });
    deadlines.set(again, 100);
    deadlines.set(gone, 100.5);
    await clock.tick(300);
    expect(passed).toEqual(['again', 'again', 'again']);
    expect(clock.pending).toBe(0);
  });

  it('pass although one of them throws', async () => {
    const failing = waiter('failing', () => {
      throw new Error('broken');
    });
    deadlines.set(failing, 100);
    deadlines.set(waiter('next'), 100);
    await expect(clock.tick(100)).rejects.toThrow('broken');
    await clock.tick(1);
    expect(passed.sort()).toEqual(['failing', 'next']);
  });
});
