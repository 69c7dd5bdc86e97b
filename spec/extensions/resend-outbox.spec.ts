import { describe, expect, it } from 'vitest';
import { ResendOutbox } from '../../src/features/redelivery/resend-outbox.ts';
import type { Reply } from '../../src/protocol/message.ts';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import { eventOf, outboxContract, type Limits, plainOutbox, roomy } from '../core/contracts/outbox.ts';

const make = (limits: Limits) => new ResendOutbox(plainOutbox(limits), limits, { push: undefined });
const reply: Reply = { channel: '/meta/connect', successful: true };

outboxContract('retaining', make, (outbox) => {
  outbox.sign(reply);
  outbox.confirm();
});

const all = Number.POSITIVE_INFINITY;

/** As data: a number for an event, a text with a mark for one that is repeated. */
const shown = (events: readonly OutgoingEvent[]) =>
  events.map(({ message: { data, ext } }) => (ext?.redelivered === true ? `${data}'` : data));

/** An outbox with these in it, and short words for what is done with it. */
function filled(limits: Limits, ...data: readonly unknown[]) {
  const outbox = make(limits);
  const push = (...more: readonly unknown[]) => more.map((one) => outbox.push(eventOf(one)));
  push(...data);
  return { outbox, push, take: (maxBytes = all, count = all) => shown(outbox.take(maxBytes, count)) };
}

describe('a retaining outbox (DL-13)', () => {
  it('gives again, marked and first, what was sent and is lost', () => {
    const { outbox, push, take } = filled(roomy, 1, 2);
    expect(take()).toEqual([1, 2]);
    outbox.sign(reply);
    push(3);
    expect([outbox.size, outbox.urgent, outbox.kept]).toEqual([1, 1, 3]);
    outbox.repeat();
    expect([outbox.size, outbox.urgent, outbox.kept]).toEqual([3, 3, 3]);
    expect(take()).toEqual(["1'", "2'", 3]);
    outbox.sign(reply);
    outbox.repeat();
    expect(take()).toEqual(["1'", "2'", "3'"]);
  });

  it('marks a copy: other sessions have the event as it was', () => {
    const { outbox } = filled(roomy);
    const event = eventOf({ deep: true });
    outbox.push(event);
    outbox.take(all, all);
    outbox.repeat();
    const [copy] = outbox.take(all, all);
    expect(event.json).toBe('{"channel":"/abc","data":{"deep":true}}');
    expect(copy?.json).toBe('{"channel":"/abc","data":{"deep":true},"ext":{"redelivered":true}}');
  });

  it('adds the mark to what else is in ext, and keeps how the event is delivered', () => {
    const { outbox } = filled(roomy);
    const how = { lazy: 100, replayId: 7, replayed: true, gap: { count: 2 } };
    outbox.push(new OutgoingEvent({ channel: '/abc', data: 1, ext: { replayId: 7 }, timestamp: 'now' }, how));
    outbox.take(all, all);
    outbox.repeat();
    const [copy] = outbox.take(all, all);
    expect(copy).toMatchObject({ ...how, volatile: false });
    expect(copy?.message).toEqual({
      channel: '/abc',
      data: 1,
      ext: { replayId: 7, redelivered: true },
      timestamp: 'now',
    });
  });

  it('lets go of what was sent before the last reply when that has arrived, and of no more', () => {
    const { outbox, push, take } = filled(roomy, 1, 2);
    take();
    outbox.sign(reply);
    push(3, 4);
    expect(take()).toEqual([3, 4]);
    outbox.confirm();
    expect(outbox.kept).toBe(2);
    outbox.confirm();
    outbox.repeat();
    expect(take()).toEqual(["3'", "4'"]);
    outbox.sign(reply);
    outbox.confirm();
    outbox.repeat();
    expect(take()).toEqual([]);
  });

  it('gives repeats within both limits, at least one, and others along with the last of them only if they fit', () => {
    const marked = Buffer.byteLength('{"channel":"/abc","data":1,"ext":{"redelivered":true}},');
    const { outbox, push, take } = filled(roomy, 1, 2, 3);
    take();
    outbox.sign(reply);
    outbox.repeat();
    push('x'.repeat(100), 4);
    expect(take(2 * marked)).toEqual(["1'", "2'"]);
    expect(take(1, 5)).toEqual(["3'"]);
    expect(take(1)).toEqual(['x'.repeat(100)]);
    outbox.repeat();
    expect(take(all, 1)).toEqual(["1'"]);
    expect(take(all, 0)).toEqual([]);
    expect(take(all, 3)).toEqual(["2'", "3'", `${'x'.repeat(100)}'`]);
    outbox.repeat();
    expect(take(all, 5)).toHaveLength(5);
    expect(outbox.size).toBe(0);
    const other = filled(roomy, 1);
    other.take();
    other.outbox.repeat();
    other.push(2, 3);
    expect(other.take(marked + eventOf(2).bytes + 1)).toEqual(["1'", 2]);
  });

  it('takes back what did not leave: a repeat stays one, anything else is as it was', () => {
    const { outbox, push, take } = filled(roomy, 1);
    take();
    outbox.repeat();
    push(2);
    const sent = outbox.take(all, all);
    push(3);
    outbox.putBack(sent);
    expect([outbox.size, outbox.urgent, outbox.kept]).toEqual([3, 3, 3]);
    outbox.repeat();
    expect(take()).toEqual(["1'", 2, 3]);
  });

  it('forgets of what it takes back, but not of what was sent with other replies', () => {
    const { outbox, take } = filled(roomy, 1, 2, 3);
    take(all, 1);
    outbox.sign(reply);
    const sent = outbox.take(all, 1);
    outbox.putBack(sent);
    expect([outbox.kept, outbox.size]).toEqual([3, 2]);
    outbox.confirm();
    expect([outbox.kept, take()]).toEqual([2, [2, 3]]);
  });

  it('does not double what comes back after it was shown to be lost', () => {
    const { outbox } = filled(roomy, 1, 2);
    const sent = outbox.take(all, all);
    outbox.repeat();
    outbox.putBack(sent);
    const again = outbox.take(all, all);
    expect(shown(again)).toEqual(["1'", "2'"]);
    outbox.repeat();
    outbox.putBack(again);
    expect(shown(outbox.take(all, all))).toEqual(["1'", "2'"]);
  });

  it('keeps no volatile event', () => {
    const { outbox, take } = filled(roomy, 1);
    outbox.push(eventOf(2, { volatile: true }));
    expect(take()).toEqual([1, 2]);
    outbox.repeat();
    expect(take()).toEqual(["1'"]);
  });

  it('keeps the newest where there is too much to keep, and lets nothing go that waits (DL-10)', () => {
    const { outbox, push, take } = filled({ ...roomy, maxQueue: 2 }, 1, 2);
    take();
    push(3, 4);
    take();
    push(5, 6);
    expect([outbox.kept, outbox.size]).toEqual([4, 2]);
    outbox.repeat();
    expect(take()).toEqual(["3'", "4'", 5, 6]);
    outbox.repeat();
    expect(take()).toEqual(["5'", "6'"]);
  });

  it('counts bytes as well', () => {
    const { bytes } = eventOf(1);
    const { outbox, push, take } = filled({ ...roomy, maxQueueBytes: 2 * bytes }, 1, 2);
    take();
    push(3);
    take();
    outbox.repeat();
    expect(take()).toEqual(["2'", "3'"]);
  });

  it('counts them rightly where some come back', () => {
    const { bytes } = eventOf(1);
    const { outbox, push, take } = filled({ ...roomy, maxQueueBytes: 2 * bytes }, 1, 2);
    take(all, 1);
    outbox.putBack(outbox.take(all, 1));
    take();
    push(3);
    take();
    outbox.repeat();
    expect(take()).toEqual(["2'", "3'"]);
  });

  it('knows what a reply has followed, however much it lets go', () => {
    const { outbox, push, take } = filled({ ...roomy, maxQueue: 1500 });
    const send = (from: number, count: number) => {
      for (let at = from; at < from + count; at += 1) {
        push(at);
        take();
      }
    };
    send(0, 3000);
    outbox.sign(reply);
    send(3000, 1400);
    outbox.confirm();
    expect(outbox.kept).toBe(1400);
    send(4400, 3000);
    outbox.confirm();
    expect(outbox.kept).toBe(1500);
    outbox.repeat();
    expect(take(all, 1)).toEqual(["5900'"]);
  });

  it('signs nothing', () => {
    expect(make(roomy).sign(reply)).toBe(reply);
  });
});

describe('a retaining outbox that drops', () => {
  const gap = { count: 2 };
  const dropping = () => {
    const outbox = make({ ...roomy, maxQueue: 1, onOverflow: 'dropNewest' });
    for (const data of [1, 2, 3]) outbox.push(eventOf(data));
    return outbox;
  };
  const told = (outbox: ResendOutbox) => Object.fromEntries(outbox.takeGaps(all));

  it('tells once more of what a reply told that was lost', () => {
    const outbox = dropping();
    outbox.take(all, all);
    expect([outbox.hasGaps, told(outbox), outbox.hasGaps]).toEqual([true, { '/abc': gap }, false]);
    outbox.repeat();
    // After the repeats, which come before.
    expect(outbox.hasGaps).toBe(false);
    expect(shown(outbox.take(all, all))).toEqual(["1'"]);
    expect([outbox.hasGaps, told(outbox)]).toEqual([true, { '/abc': gap }]);
    outbox.confirm();
    outbox.repeat();
    outbox.take(all, all);
    expect(outbox.hasGaps).toBe(false);
  });

  it('takes back what did not leave, but not twice', () => {
    const outbox = dropping();
    const sent = outbox.take(all, all);
    const gaps = outbox.takeGaps(all);
    outbox.putBackGaps(gaps);
    outbox.putBack(sent);
    outbox.putBackGaps(gaps);
    const [back] = outbox.take(all, all);
    expect([back?.message.data, outbox.hasGaps, told(outbox)]).toEqual([1, true, { '/abc': gap }]);
    outbox.repeat();
    outbox.putBackGaps(gaps);
    outbox.take(all, all);
    expect(told(outbox)).toEqual({ '/abc': gap });
  });

  it('repeats what an event told of, which no volatile event does', () => {
    const outbox = dropping();
    outbox.take(all, all);
    outbox.push(eventOf(4, { volatile: true }));
    expect(outbox.take(all, all).map((event) => event.gap)).toEqual([undefined]);
    outbox.push(eventOf(5));
    expect(outbox.take(all, all).map((event) => event.gap)).toEqual([gap]);
    outbox.repeat();
    const copies = outbox.take(all, all);
    expect(copies.at(-1)?.message.ext).toEqual({ gap, redelivered: true });
  });
});
