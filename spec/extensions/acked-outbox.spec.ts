import { describe, expect, it } from 'vitest';
import type { OutboxLimits } from '../../src/core/outbox.ts';
import { AckedOutbox } from '../../src/extensions/acked-outbox.ts';
import { eventOf, outboxContract } from '../core/contracts/outbox.ts';
import { FakeClient, serve } from '../support/fake-client.ts';

const { session } = await FakeClient.open(serve().server);
const make = (limits: OutboxLimits) => new AckedOutbox(limits, session);

outboxContract('acked', make, (outbox) => {
  const { ext } = outbox.sign({ channel: '/meta/connect', successful: true });
  outbox.acknowledge(Number(ext?.ack));
});

const roomy: OutboxLimits = { maxQueue: 1000, maxQueueBytes: 1_000_000, overflow: () => 'disconnect' };
const reply = { channel: '/meta/connect', successful: true } as const;

/** An outbox with these in it, and short words for what is done with it. */
function filled(...data: readonly number[]) {
  const outbox = make(roomy);
  const push = (...more: readonly number[]) => more.map((one) => outbox.push(eventOf(one)));
  push(...data);
  const take = (count = Number.POSITIVE_INFINITY) =>
    outbox.take(Number.POSITIVE_INFINITY, count).map(({ message }) => message.data);
  const close = () => outbox.sign(reply).ext?.ack;
  return { outbox, push, take, close, snapshot: () => outbox.snapshot() };
}

describe('an acked outbox', () => {
  it('counts batches from 1, empty ones too (AK-2)', () => {
    const { take, close, push } = filled();
    expect([take(), close()]).toEqual([[], 1]);
    push(1);
    expect([take(), close()]).toEqual([[1], 2]);
    expect([take(), close()]).toEqual([[], 3]);
  });

  it('gives what is not acknowledged again, oldest first, then what is new (AK-4)', () => {
    const { outbox, push, take, close } = filled(1, 2);
    expect([take(), close()]).toEqual([[1, 2], 1]);
    push(3);
    outbox.acknowledge(0);
    expect([outbox.size, outbox.pressing]).toEqual([3, 3]);
    expect([take(), close()]).toEqual([[1, 2, 3], 2]);
    outbox.acknowledge(2);
    outbox.push(eventOf(4, { lazy: true }));
    expect([outbox.size, outbox.pressing, outbox.snapshot().events.length]).toEqual([1, 0, 1]);
  });

  it('takes a batch cut short for what it brought, not for what an earlier one brought that was lost', () => {
    const { outbox, take, close } = filled(1, 2, 3, 4);
    expect([take(), close()]).toEqual([[1, 2, 3, 4], 1]);
    outbox.acknowledge(0);
    expect([take(2), close()]).toEqual([[1, 2], 2]);
    outbox.acknowledge(2);
    expect(take()).toEqual([3, 4]);
  });

  it('believes a client that saw an earlier batch which brought more', () => {
    const { outbox, take, close } = filled(1, 2, 3, 4);
    expect([take(), close()]).toEqual([[1, 2, 3, 4], 1]);
    outbox.acknowledge(0);
    expect([take(2), close()]).toEqual([[1, 2], 2]);
    outbox.acknowledge(1);
    expect(outbox.size).toBe(0);
  });

  it('goes on knowing that, when it is told twice', () => {
    const { outbox, take, close } = filled(1, 2, 3, 4);
    expect([take(), close()]).toEqual([[1, 2, 3, 4], 1]);
    outbox.acknowledge(0);
    expect([take(1), close()]).toEqual([[1], 2]);
    outbox.acknowledge(2);
    outbox.acknowledge(2);
    expect(take()).toEqual([2, 3, 4]);
  });

  it('takes a batch that could carry nothing for nothing, though events were sent before it', () => {
    const { outbox, take, close } = filled(1, 2);
    expect([take(), close(), close()]).toEqual([[1, 2], 1, 2]);
    outbox.acknowledge(2);
    expect(take()).toEqual([1, 2]);
  });

  it('takes a batch that began in the middle for nothing: what came before it may be lost', () => {
    const { outbox, push, take, close } = filled(1);
    expect([take(), close()]).toEqual([[1], 1]);
    push(2);
    expect([take(), close()]).toEqual([[2], 2]);
    outbox.acknowledge(2);
    expect(take()).toEqual([1, 2]);
  });

  it('clamps what was never closed, and lets nothing go that was never sent (AK-6)', () => {
    const { outbox, push, take, close } = filled(1);
    expect([take(), close()]).toEqual([[1], 1]);
    push(2);
    outbox.acknowledge(1e300);
    expect(take()).toEqual([2]);
    const fresh = filled(1);
    fresh.outbox.acknowledge(5);
    expect(fresh.take()).toEqual([1]);
  });

  it('does not double what is put back after a connect put it back already', () => {
    const { outbox, take, close } = filled(1, 2);
    const sent = outbox.take(1000, 10);
    close();
    outbox.acknowledge(0);
    outbox.putBack(sent);
    expect(take()).toEqual([1, 2]);
  });

  it('skips nothing where only the later part comes back', () => {
    const { outbox, take } = filled(1, 2);
    take(1);
    const sent = outbox.take(1000, 1);
    outbox.acknowledge(0);
    outbox.putBack(sent);
    expect(take()).toEqual([1, 2]);
  });

  it('lets go of what was put back, when the client turns out to have it', () => {
    const { outbox, close } = filled(1, 2);
    const sent = outbox.take(1000, 10);
    close();
    outbox.putBack(sent);
    outbox.acknowledge(1);
    expect(outbox.size).toBe(0);
    outbox.putBack(sent);
    expect(outbox.size).toBe(0);
  });

  it('keeps no volatile event, and counts its bytes no longer', () => {
    const { bytes } = eventOf(1);
    const outbox = make({ ...roomy, maxQueueBytes: 3 * bytes });
    for (const volatile of [false, true, false]) outbox.push(eventOf(1, { volatile }));
    expect(outbox.push(eventOf(2))).toBe('full');
    expect(outbox.take(1000, 10)).toHaveLength(3);
    expect([outbox.size, outbox.pressing, outbox.snapshot().events.length]).toEqual([0, 0, 2]);
    expect(outbox.push(eventOf(2))).toBe('kept');
    outbox.acknowledge(0);
    expect(outbox.size).toBe(3);
  });

  it('counts what was sent against its limits, and says that it must close (AK-9)', () => {
    const told: unknown[] = [];
    const outbox = make({
      ...roomy,
      maxQueue: 2,
      overflow: (...asked) => {
        told.push(asked[2]);
        return 'dropOldest';
      },
    });
    outbox.push(eventOf(1));
    outbox.push(eventOf(2));
    outbox.take(1000, 10);
    expect([outbox.push(eventOf(3)), told]).toEqual(['full', ['disconnect']]);
  });

  it('remembers little of a client that never acknowledges, and of one that always does', () => {
    const { outbox, push, take, close, snapshot } = filled(1, 2, 3);
    for (let at = 0; at < 1000; at += 1) {
      outbox.acknowledge(0);
      take(1 + (at % 3));
      close();
    }
    expect(snapshot().closings.length).toBeLessThanOrEqual(100);
    const good = filled();
    for (let at = 1; at < 1000; at += 1) {
      good.push(at);
      good.take();
      good.outbox.acknowledge(Number(good.close()));
    }
    expect(good.snapshot()).toMatchObject({ events: [], closings: [] });
    push(4);
    outbox.acknowledge(0);
    expect(take()).toEqual([1, 2, 3, 4]);
  });
});
