import { describe, expect, it, vi } from 'vitest';
import type { PlainOutbox } from '../../src/core/delivery/plain-outbox.ts';
import { SharedRuns } from '../../src/core/delivery/shared-runs.ts';
import type { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { turn } from '../support/until.ts';
import { eventOf, plainOutbox, roomy } from './contracts/outbox.ts';

const clock = new FakeClock();
const all = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

/** Outboxes whose sessions are on one server. */
function outboxes(count: number): PlainOutbox[] {
  const limits = { ...roomy, runs: new SharedRuns(clock) };
  return Array.from({ length: count }, () => plainOutbox(limits));
}

function pushAll(to: readonly PlainOutbox[], ...events: readonly OutgoingEvent[]): void {
  for (const event of events) for (const outbox of to) outbox.push(event);
}

describe('a run', () => {
  it('is one for all to whom the same events come', () => {
    const runs = new SharedRuns(clock);
    const [a, b, c] = [eventOf('a'), eventOf('b'), eventOf('c')];
    const ab = runs.after(runs.after(runs.empty, a), b);
    expect(runs.after(runs.after(runs.empty, a), b)).toBe(ab);
    const ac = runs.after(runs.after(runs.empty, a), c);
    expect([ab.events, ac.events]).toEqual([
      [a, b],
      [a, c],
    ]);
    expect([ab.size, ab.bytes]).toEqual([2, a.bytes + b.bytes]);
    expect([runs.empty.size, runs.empty.bytes, runs.empty.events]).toEqual([0, 0, []]);
  });

  it('knows at the end of the turn only what came before it', async () => {
    const runs = new SharedRuns(clock);
    const [a, b] = [eventOf('a'), eventOf('b')];
    const first = runs.after(runs.empty, a);
    runs.after(first, b);
    expect([runs.empty.next, first.next?.event]).toEqual([first, b]);
    await turn();
    expect([runs.empty.next, first.next]).toEqual([undefined, undefined]);
    expect(runs.after(first, b).events).toEqual([a, b]);
  });

  it('asks for the end of the turn once, however many there are', async () => {
    const soon = vi.spyOn(clock, 'soon');
    const runs = new SharedRuns(clock);
    const events = Array.from({ length: 50 }, (_, at) => eventOf(at));
    events.reduce((run, event) => runs.after(run, event), runs.empty);
    expect(soon).toHaveBeenCalledTimes(1);
    await turn();
    runs.after(runs.empty, eventOf(50));
    expect(soon).toHaveBeenCalledTimes(2);
    soon.mockRestore();
  });
});

describe('plain outboxes', () => {
  it('give the very same array of what came to all of them', () => {
    const many = outboxes(3);
    pushAll(many, eventOf(1), eventOf(2));
    const [first, ...others] = many.map((outbox) => outbox.take(...all));
    expect(first).toHaveLength(2);
    for (const other of others) expect(other).toBe(first);
  });

  it('give what came to each, where that differs', () => {
    const [one, two] = outboxes(2) as [PlainOutbox, PlainOutbox];
    const [a, b, c] = [eventOf('a'), eventOf('b'), eventOf('c')];
    pushAll([one, two], a);
    pushAll([one], b);
    pushAll([two, one], c);
    expect(one.take(...all)).toEqual([a, b, c]);
    expect(two.take(...all)).toEqual([a, c]);
  });

  it.each([
    ['a lazy event', { lazy: true }],
    ['one from history', { replayed: true }],
    ['one of a rule', { overflow: { action: 'dropOldest', maxEvents: 10 } as const }],
    ['one that tells of a gap', { gap: { count: 1 } }],
  ])('keep the order around %s', (_, how) => {
    const [outbox] = outboxes(1) as [PlainOutbox];
    const events = [eventOf(1), eventOf(2), eventOf(3, how), eventOf(4)];
    pushAll([outbox], ...events);
    expect(outbox.size).toBe(4);
    expect(outbox.take(...all)).toEqual(events);
  });

  it('share again when what was different has left', () => {
    const [one, two] = outboxes(2) as [PlainOutbox, PlainOutbox];
    one.push(eventOf('l', { lazy: true }));
    one.take(...all);
    pushAll([one, two], eventOf(1));
    expect(one.take(...all)).toBe(two.take(...all));
  });

  it('do not share while room is taken by what was sent', () => {
    const [one, two] = outboxes(2) as [PlainOutbox, PlainOutbox];
    one.reserve(998, 0);
    pushAll([one, two], eventOf(1), eventOf(2));
    expect(one.push(eventOf(3))).toBe('full');
    expect(two.push(eventOf(3))).toBe('kept');
    one.reserve(-998, 0);
    expect([one.take(...all).length, two.take(...all).length]).toEqual([2, 3]);
    pushAll([one, two], eventOf(4));
    expect(one.take(...all)).toBe(two.take(...all));
  });

  it('keep what comes while room is made for something else', () => {
    const [a, b, c, d] = [eventOf('a'), eventOf('b'), eventOf('c'), eventOf('d')];
    const flushEarly = () => {
      if (outbox.size < 2) return;
      expect(outbox.take(...all)).toEqual([a, b]);
      outbox.push(c);
    };
    const outbox = plainOutbox({ ...roomy, maxQueue: 2, flushEarly });
    pushAll([outbox], a, b, d);
    expect(outbox.take(...all)).toEqual([c, d]);
  });

  it('share what was put back as well', () => {
    const [one, two] = outboxes(2) as [PlainOutbox, PlainOutbox];
    const [a, b] = [eventOf('a'), eventOf('b')];
    pushAll([one, two], a);
    const taken = [one, two].map((outbox) => outbox.take(...all));
    pushAll([one, two], b);
    for (const [at, outbox] of [one, two].entries()) outbox.putBack(taken[at] ?? []);
    const back = one.take(...all);
    expect(back).toEqual([a, b]);
    expect(two.take(...all)).toBe(back);
  });
});

it('who is sent the same as others loses alone what it is too slow for', async () => {
  const { server } = serve({ maxQueue: 3, queueOverflow: 'dropOldest' });
  const [fast, slow] = [await FakeClient.connected(server), await FakeClient.connected(server)];
  for (const client of [fast, slow]) await client.subscribe('/n');
  const held = await fast.connect();
  for (const data of [1, 2]) await server.publish('/n', data);
  await turn();
  expect(held.data).toEqual([1, 2]);
  await server.publish('/n', 3);
  expect([fast.session.outbox.size, slow.session.outbox.size]).toEqual([1, 3]);
  await server.publish('/n', 4);
  expect((await slow.connect()).data).toEqual([2, 3, 4]);
  expect((await fast.connect()).data).toEqual([3, 4]);
});
