import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Handling, OutgoingEvent, type OverflowRule } from '../../src/ports/outgoing-event.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, type Wire } from '../support/fake-conduit.ts';
import { type Limits, plainOutbox, roomy } from './contracts/outbox.ts';
import { bounds, Model, schedules } from './gap-model.ts';

const all = Number.POSITIVE_INFINITY;

/** Two events of a rule may wait. */
const two = (action: OverflowRule['action']): OverflowRule => ({ action, maxEvents: 2 });

/** An outbox, and short words for what is done with it: `a1` is an event on channel `/a`. */
function outboxOf(overflow?: OverflowRule, limits: Partial<Limits> = {}) {
  const outbox = plainOutbox({ ...roomy, ...limits });
  const push = (names: string, how: Handling = {}) => {
    for (const name of names.split(' ')) {
      outbox.push(new OutgoingEvent({ channel: `/${name[0]}`, data: name }, { overflow, ...how }));
    }
  };
  const taken = (count = all) => outbox.take(all, count);
  /** `a4-2` is an event that tells of two before it. */
  const take = (count = all) => taken(count).map(shown).join(' ');
  const gaps = () => (outbox.hasGaps ? Object.fromEntries(outbox.takeGaps(all)) : undefined);
  return { outbox, push, take, taken, gaps };
}

const shown = ({ message: { data, ext }, gap }: OutgoingEvent) => {
  expect(ext?.gap).toEqual(gap);
  return gap === undefined ? `${data}` : `${data}-${gap.count}`;
};

describe('a gap (what was dropped is told of)', () => {
  it('of no channel in particular does not wait until the queue is empty, nor when it comes back', () => {
    const { outbox, push, gaps } = outboxOf(two('dropNewest'));
    push('a1 a2 a3');
    expect(outbox.hasGaps).toBe(false);
    const rest = { '/**': { count: 5 } };
    outbox.putBackGaps(new Map(Object.entries(rest)));
    expect([outbox.size, gaps()]).toEqual([2, rest]);
  });

  it('takes room where it is told', () => {
    const { bytes } = new OutgoingEvent({ channel: '/a', data: 'a1' });
    const { outbox, push, take } = outboxOf(two('dropOldest'), { maxQueueBytes: 3 * bytes + 10 });
    push('a1 a2 a3');
    expect(take(1)).toBe('a2-1');
    const next = () => outbox.push(new OutgoingEvent({ channel: '/x', data: 'x1' }));
    expect([next(), next(), next()]).toEqual(['kept', 'kept', 'full']);
  });

  it('is told by the next event of its channel: behind the hole, not before it', () => {
    const { push, take, gaps } = outboxOf(two('dropNewest'));
    push('a1 a2 a3');
    expect(take(1)).toBe('a1');
    push('a4 b1');
    expect(take()).toBe('a2 a4-1');
    expect(gaps()).toEqual({ '/b': { count: 1 } });
  });

  it('is one gap for a run of events, told once', () => {
    const { push, take, gaps } = outboxOf(two('dropOldest'));
    push('a1 a2 a3 a4 a5');
    expect(take(1)).toBe('a4-3');
    push('a6');
    expect([take(), gaps()]).toEqual(['a5 a6', undefined]);
  });

  it('is told for each channel by itself', () => {
    const { push, take } = outboxOf({ action: 'dropOldest', maxEvents: 3 });
    push('a1 b1 a2 c1 a3 b2');
    expect(take()).toBe('c1 a3-2 b2-1');
  });

  it('waits for the connect reply, if nothing of its channel is left', () => {
    const { push, take, gaps, outbox } = outboxOf(two('dropOldest'));
    push('a1 b1 b2');
    expect(outbox.hasGaps).toBe(false);
    expect([take(), outbox.hasGaps, gaps(), gaps()]).toEqual([
      'b1 b2',
      true,
      { '/a': { count: 1 } },
      undefined,
    ]);
  });

  it('does not wait for it, if an event comes first', () => {
    const { push, take, gaps } = outboxOf(two('dropNewest'));
    push('a1 b1 a2 b2');
    take();
    push('a3');
    expect([take(), gaps()]).toEqual(['a3-1', { '/b': { count: 1 } }]);
  });

  it('names replay ids, where the events have them', () => {
    const { outbox, taken, gaps } = outboxOf();
    const overflow = two('dropOldest');
    const push = (replayId?: number) =>
      outbox.push(new OutgoingEvent({ channel: '/a', data: 1 }, { overflow, replayId }));
    for (const id of [17, 18, undefined, 20, 21]) push(id);
    expect(taken()[0]?.message.ext).toEqual({ gap: { count: 3, from: 17, to: 18 } });
    for (const id of [22, 23, 24]) push(id);
    expect(taken()[0]?.message.ext).toEqual({ gap: { count: 1, from: 22, to: 22 } });
    expect(gaps()).toBeUndefined();
  });

  it('is told to one session: others share the event as it was, and what else it has in ext stays', () => {
    const { outbox, taken } = outboxOf();
    const event = new OutgoingEvent(
      { channel: '/a', data: 1, ext: { binary: {} } },
      { overflow: two('dropOldest') },
    );
    for (let at = 0; at < 3; at += 1) outbox.push(event);
    const [telling, plain] = taken();
    expect(telling?.json).toBe('{"channel":"/a","data":1,"ext":{"binary":{},"gap":{"count":1}}}');
    expect([plain, event.gap]).toEqual([event, undefined]);
    expect(plain).toBe(event);
  });

  it('is passed on by an event that is dropped in its turn', () => {
    const { push, take } = outboxOf(two('dropNewest'), { maxQueue: 3, onOverflow: 'dropOldest' });
    push('a1 a2 a3');
    take();
    push('a4 a5');
    push('x1 x2', { overflow: undefined });
    expect(take()).toBe('a5-2 x1 x2');
  });

  it('comes back with its event, and with what was put back before it', () => {
    const { outbox, push, taken, take } = outboxOf(two('dropOldest'));
    push('a1 a2 a3');
    const sent = taken();
    push('a4 a5 a6');
    outbox.putBack(sent);
    expect(take()).toBe('a2-1 a3 a5-1 a6');
  });

  it('falls behind what was put back, if nothing of its channel waits', () => {
    const { outbox, push, taken, take, gaps } = outboxOf(two('dropOldest'));
    push('a1');
    const sent = taken();
    push('a2 b1 b2');
    outbox.putBack(sent);
    expect([take(), gaps()]).toEqual(['a1 b1 b2', { '/a': { count: 1 } }]);
  });

  it('comes back with the reply, behind the events that went with it and before those that wait', () => {
    const { outbox, push, taken, take, gaps } = outboxOf(two('dropNewest'));
    push('a1 a2 a3');
    const sent = taken();
    const told = outbox.takeGaps(all);
    push('a4');
    outbox.putBackGaps(told);
    outbox.putBack(sent);
    expect([take(), gaps()]).toEqual(['a1 a2 a4-1', undefined]);
  });

  it('is told of after events that a session’s own bound drops, and after those that waited for too long', () => {
    const bound = outboxOf(undefined, { maxQueue: 2, onOverflow: 'dropOldest' });
    bound.push('a1 a2 a3');
    expect(bound.take()).toBe('a2-1 a3');
    let now = 0;
    const aged = outboxOf({ action: 'dropOldest', maxAge: 10 }, { now: () => now });
    aged.push('a1 b1');
    now = 5;
    aged.push('a2');
    now = 11;
    expect([aged.take(), aged.gaps()]).toEqual(['a2-1', { '/b': { count: 1 } }]);
  });

  it('counts the age of an event from when it first waited, for whomever', () => {
    let now = 0;
    const overflow = { action: 'dropOldest', maxAge: 10 } as const;
    const event = new OutgoingEvent({ channel: '/a', data: 1 }, { overflow });
    const [one, other] = [0, 8].map((at) => {
      now = at;
      const { outbox, taken } = outboxOf(overflow, { now: () => now });
      outbox.push(event);
      return taken;
    });
    now = 11;
    expect([one?.(), other?.()]).toEqual([[], []]);
  });

  it('leaves its event as old as it was', () => {
    let now = 0;
    const overflow = { action: 'dropOldest', maxEvents: 1, maxAge: 10 } as const;
    const { outbox, push, taken, gaps } = outboxOf(overflow, { now: () => now });
    push('a1 a2');
    outbox.putBack(taken());
    now = 11;
    expect([taken(), gaps()]).toEqual([[], { '/a': { count: 2 } }]);
  });

  it('is not told by a volatile event, with which it could be lost', () => {
    const newest = outboxOf(two('dropNewest'));
    newest.push('a1 a2 a3');
    newest.take(2);
    newest.push('a4', { volatile: true });
    expect([newest.take(), newest.gaps()]).toEqual(['a4', { '/a': { count: 1 } }]);
    const oldest = outboxOf(two('dropOldest'));
    oldest.push('a1');
    oldest.push('a2', { volatile: true });
    oldest.push('a3');
    expect(oldest.take()).toBe('a2 a3-1');
  });

  it('does not count volatile events', () => {
    for (const action of ['dropNewest', 'dropOldest'] as const) {
      const { push, take, gaps } = outboxOf(two(action));
      push('a1 a2 a3', { volatile: true });
      take();
      push('a4');
      expect([take(), gaps()]).toEqual(['a4', undefined]);
    }
  });

  it('is never told by what comes from history', () => {
    const { outbox, push, take } = outboxOf(two('dropNewest'));
    push('a1 a2 a3');
    outbox.push(new OutgoingEvent({ channel: '/a', data: 'a0' }, { replayed: true }));
    expect(take()).toBe('a1 a2 a0');
    push('a4');
    expect(take()).toBe('a4-1');
    const oldest = outboxOf(two('dropOldest'));
    oldest.push('a1');
    oldest.push('a0', { replayed: true });
    oldest.push('a2 a3');
    expect(oldest.take()).toBe('a0 a2-1 a3');
  });

  it('takes little room, whatever channels there are: beyond a thousand they are told of together', () => {
    for (const action of ['dropNewest', 'dropOldest'] as const) {
      const { outbox, gaps } = outboxOf();
      const overflow = two(action);
      for (let at = 0; at < 5000; at += 1) {
        outbox.push(new OutgoingEvent({ channel: `/a/${at}`, data: at }, { overflow }));
      }
      // Those that no channel stands for are told of at once.
      const rest = { '/**': { count: 3998 } };
      expect([outbox.size, gaps(), outbox.hasGaps]).toEqual([2, rest, false]);
      outbox.putBackGaps(new Map(Object.entries(rest)));
      expect([outbox.size, gaps(), outbox.hasGaps]).toEqual([2, rest, false]);
      outbox.putBack(outbox.take(all, all));
      outbox.take(all, all);
      const told = [...outbox.takeGaps(all)];
      expect(told).toHaveLength(1000);
      expect(told.every(([, { count }]) => count === 1)).toBe(true);
      expect(outbox.hasGaps).toBe(false);
    }
  });
});

describe('on the wire, a gap', () => {
  const rules = { channels: { '/p/**': { overflow: two('dropNewest') } } };
  const gapsOf = ({ replies }: FakeConduit) => (replies.at(-1)?.ext as Wire | undefined)?.gap;
  const shortly = { advice: { timeout: 0 } };

  async function quiet(via?: FakeConduit) {
    const { server } = serve(rules);
    const client = await FakeClient.connected(server, via);
    await client.subscribe('/p/*');
    const publish = async (...data: readonly number[]) => {
      for (const one of data) await server.publish('/p/a', one);
    };
    return { server, client, publish };
  }

  it('goes with the connect reply once the queue is empty, even if no event ever follows', async () => {
    const { client, publish } = await quiet();
    await publish(1, 2, 3, 4);
    const wire = await client.connect();
    expect([wire.data, gapsOf(wire)]).toEqual([[1, 2], { '/p/a': { count: 2 } }]);
    expect(gapsOf(await client.connect(shortly))).toBeUndefined();
  });

  it('goes with the next event if the queue was not emptied before', async () => {
    const { client, publish } = await quiet();
    await publish(1, 2, 3);
    const { bytes } = new OutgoingEvent({ channel: '/p/a', data: 1 });
    const first = await client.connect({}, exchange({ maxBytes: bytes }));
    await publish(4);
    const second = await client.connect();
    expect([first.data, gapsOf(first), gapsOf(second)]).toEqual([[1], undefined, undefined]);
    expect(second.events).toEqual([
      { channel: '/p/a', data: 2 },
      { channel: '/p/a', data: 4, ext: { gap: { count: 1 } } },
    ]);
  });

  it('does not wake a connect by itself', async () => {
    const { client, publish } = await quiet();
    await publish(1, 2, 3);
    const published = exchange();
    await client.publish('/x', 1, published);
    expect([published.data, published.replies[0]?.ext]).toEqual([[1, 2], undefined]);
    const held = await client.connect();
    await client.flushed();
    expect([held.messages, client.session.state]).toEqual([[], 'held']);
    await publish(4);
    await client.flushed();
    expect(held.events).toEqual([{ channel: '/p/a', data: 4, ext: { gap: { count: 1 } } }]);
  });

  it('goes on a WebSocket with the reply to its next heartbeat', async () => {
    const wire = socket();
    const { client, publish, server } = await quiet(wire);
    wire.full = true;
    await publish(1, 2, 3);
    await client.connect(shortly, wire);
    expect([wire.data, gapsOf(wire)]).toEqual([[], undefined]);
    wire.full = false;
    await client.connect(shortly, wire);
    expect([wire.data, gapsOf(wire)]).toEqual([[1, 2], { '/p/a': { count: 1 } }]);
    server.lost(wire.die());
  });

  it('is told again where the reply that told of it was not handed over', async () => {
    const { client, publish } = await quiet();
    await publish(1, 2, 3);
    const lost = exchange({ slow: true });
    await client.connect({}, lost);
    expect(gapsOf(lost)).toEqual({ '/p/a': { count: 1 } });
    client.lose(lost);
    const again = await client.connect(shortly);
    expect([again.data, gapsOf(again)]).toEqual([[1, 2], { '/p/a': { count: 1 } }]);
  });

  it('is told again where that reply brought nothing else', async () => {
    const { client, publish } = await quiet();
    await publish(1, 2, 3);
    await client.publish('/x', 1);
    const lost = exchange({ slow: true });
    await client.connect(shortly, lost);
    expect([lost.messages.length, gapsOf(lost)]).toEqual([1, { '/p/a': { count: 1 } }]);
    client.lose(lost);
    expect(gapsOf(await client.connect(shortly))).toEqual({ '/p/a': { count: 1 } });
    expect(gapsOf(await client.connect(shortly))).toBeUndefined();
  });

  it('waits while an unfinished response might still be overtaken (DL-8)', async () => {
    const { client, publish } = await quiet();
    await publish(1, 2, 3);
    const slow = exchange({ slow: true });
    await client.publish('/x', 1, slow);
    expect(gapsOf(await client.connect(shortly))).toBeUndefined();
    slow.settle();
    expect(gapsOf(await client.connect(shortly))).toEqual({ '/p/a': { count: 1 } });
  });
});

describe('delivered and told of is what was published', () => {
  const actions = fc.constantFrom('dropOldest' as const, 'dropNewest' as const);
  const rules = fc.array(fc.option(fc.record({ action: actions, bounds }), { nil: undefined }), {
    minLength: 2,
    maxLength: 2,
  });
  const queue = fc.record({
    maxQueue: fc.integer({ min: 1, max: 8 }),
    maxQueueBytes: fc.integer({ min: 100, max: 600 }),
    onOverflow: fc.constantFrom('dropOldest' as const, 'dropNewest' as const),
  });

  it('on every channel, in order, whatever happens', () => {
    fc.assert(
      fc.property(schedules, rules, queue, (steps, [one, other], limits) => {
        const [first, second] = [one, other].map((rule) => rule && { action: rule.action, ...rule.bounds });
        const model = new Model(limits, [first, first, second, second]);
        for (const step of steps) model.run(step);
        model.calmDown();
        let missing = 0;
        for (const [channel, published] of model.published) {
          const left = [...published];
          for (const got of model.received.get(channel) ?? []) {
            if (typeof got === 'number') expect(got).toBe(left.shift());
            else {
              const { count = 0, from, to } = got.gap;
              const gone = left.splice(0, count);
              const ids = gone.map((at) => 1000 * Number(channel.slice(1)) + at);
              expect([gone.length, from, to]).toEqual([count, Math.min(...ids), Math.max(...ids)]);
              missing += count;
            }
          }
          expect(left).toEqual([]);
        }
        expect(missing + model.volatile).toBe(model.dropped);
      }),
      { numRuns: 3000 },
    );
  });
});
