import assert from 'node:assert/strict';
import type { Clock } from '../lib/clock.ts';
import type { Runner } from './runner.ts';

/** A clock, and a way to let its time pass. */
export interface ClockUnderTest {
  readonly clock: Clock;
  pass(ms: number): Promise<void>;
}

/** Tests what every clock keeps to. */
export function clockContract(name: string, make: () => ClockUnderTest, { describe, it }: Runner): void {
  describe(`${name} clock`, () => {
    it('is milliseconds since the epoch, and never goes back', async () => {
      const { clock, pass } = make();
      const times = [clock.now()];
      for (let at = 0; at < 5; at += 1) {
        await pass(1);
        times.push(clock.now());
      }
      assert.deepEqual(times, times.toSorted(ascending));
      assert.ok(new Date(times[0] ?? 0).getUTCFullYear() > 2020, `${times[0]} is after 2020`);
    });

    it('calls once, not before its time, and in order', async () => {
      const { clock, pass } = make();
      const began = clock.now();
      const called: [string, number][] = [];
      clock.after(40, () => called.push(['late', clock.now() - began]));
      clock.after(10, () => called.push(['early', clock.now() - began]));
      await pass(60);
      assert.deepEqual(
        called.map(([which]) => which),
        ['early', 'late'],
      );
      // Node may be a millisecond early.
      for (const [which, at] of called)
        assert.ok(at >= (which === 'early' ? 10 : 40) - 1.5, `the ${which} one was called after ${at} ms`);
      await pass(60);
      assert.equal(called.length, 2);
    });

    it('calls nothing that was cancelled, before or after', async () => {
      const { clock, pass } = make();
      const { count, calls } = counter();
      const [one, two] = [clock.after(10, count), clock.after(10, count)];
      one.cancel();
      one.cancel();
      await pass(30);
      two.cancel();
      assert.equal(calls(), 1);
    });

    it('takes a time longer than a timer of Node can be', async () => {
      const { clock, pass } = make();
      const { count, calls } = counter();
      const timer = clock.after(2 ** 40, count);
      await pass(20);
      timer.cancel();
      assert.equal(calls(), 0);
    });

    it('calls soon after what is under way, and before the next timer', async () => {
      const { clock } = make();
      const order: string[] = [];
      await new Promise<void>((resolve) => {
        clock.soon(() => {
          order.push('soon');
          resolve();
        });
        void Promise.resolve().then(() => order.push('promise'));
        order.push('now');
      });
      assert.deepEqual(order, ['now', 'promise', 'soon']);
    });

    it('calls what is soon in order', async () => {
      const { clock } = make();
      const order: number[] = [];
      await new Promise<void>((resolve) => {
        for (const at of [1, 2, 3]) clock.soon(() => order.push(at));
        clock.soon(resolve);
      });
      assert.deepEqual(order, [1, 2, 3]);
    });
  });
}

function ascending(one: number, other: number): number {
  return one - other;
}

function counter(): { count: () => void; calls: () => number } {
  let calls = 0;
  const count = (): void => {
    calls += 1;
  };
  return { count, calls: () => calls };
}
