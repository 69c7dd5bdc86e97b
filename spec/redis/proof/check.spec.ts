import { describe, expect, it } from 'vitest';
import { brokenPromises, recoveries } from './check.ts';
import type { ClusterHistory, Published, Received, Subscribed } from './cluster-history.ts';

/** Two nodes publish by turns, an event a millisecond; a session of each gets all of it 5 ms later. */
function history(more: Partial<ClusterHistory> = {}): ClusterHistory {
  const published = Array.from({ length: 20 }, (_, at): Published => {
    const node = at % 2;
    return {
      id: `e${at}`,
      channel: '/p/1',
      by: `p${node}`,
      node,
      at,
      answer: { at: at + 3, isAccepted: true },
    };
  });
  const subscribed = ['s0', 's1'].map((session): Subscribed => ({ session, pattern: '/p/*', from: 0 }));
  return {
    ...{ nodes: 2, published, subscribed, gaps: [], troubles: [], asked: [], stalls: [] },
    received: published.flatMap(({ id, at }) => ['s0', 's1'].map((session) => ({ session, id, at: at + 5 }))),
    ...more,
  };
}

const everything = history();
const mayLose = [{ is: 'restart', from: 5, until: 6, mayLose: true }];

/** The history with what the first session got changed. */
function withReceived(change: (of: Received[]) => void, more: Partial<ClusterHistory> = {}): ClusterHistory {
  const first = everything.received.filter(({ session }) => session === 's0');
  change(first);
  return history({
    received: [...first, ...everything.received.filter(({ session }) => session === 's1')],
    ...more,
  });
}

const lose = (received: Received[]): void => void received.splice(7, 1);

describe('the checker of what a cluster promises', () => {
  it('finds nothing where nothing is wrong', () => {
    expect(brokenPromises(everything)).toEqual([]);
  });

  it('finds a lost event', () => {
    expect(brokenPromises(withReceived(lose))).toEqual(['s0 did not get e7, which was accepted']);
  });

  it('takes no event for lost that was refused, or is for others, or for a session that had not subscribed or has left', () => {
    const refused = everything.published.map((one) =>
      one.id === 'e7' ? { ...one, answer: { at: 9, isAccepted: false } } : one,
    );
    const received = everything.received.filter(({ id }) => id !== 'e7');
    const subscribed: Subscribed[] = [
      ...everything.subscribed,
      { session: 's2', pattern: '/q/*', from: 0 },
      { session: 's3', pattern: '/p/1', from: 100 },
      { session: 's4', pattern: '/p/1', from: 0, until: 3 },
    ];
    expect(brokenPromises(history({ published: refused, received, subscribed }))).toEqual([]);
  });

  it('finds an event that was refused and came to some', () => {
    const published = everything.published.map((one) =>
      one.id === 'e7' ? { ...one, answer: { at: 9, isAccepted: false } } : one,
    );
    expect(brokenPromises(history({ published }))).toEqual([]);
    expect(brokenPromises(withReceived(lose, { published }))).toEqual([
      's0 did not get e7, which others got',
    ]);
  });

  it('finds a doubled event', () => {
    const twice = withReceived((received) => void received.push({ session: 's0', id: 'e19', at: 30 }));
    expect(brokenPromises(twice)).toEqual(['s0 got e19 twice']);
  });

  it('finds two events that came in another order to another session, though no publisher sent both', () => {
    const swapped = withReceived((received) => {
      const [e7, e8] = received.splice(7, 2);
      if (e7 && e8) received.splice(7, 0, e8, e7);
    });
    expect(brokenPromises(swapped)).toEqual([expect.stringMatching(/different orders, such as e\d/)]);
  });

  it('finds two events that came in another order to sessions that have a third event in common alone', () => {
    const of = (session: string, ...ids: string[]) => ids.map((id) => ({ session, id, at: 99 }));
    const received = [...of('s0', 'e2', 'e4'), ...of('s1', 'e4', 'e7'), ...of('s2', 'e7', 'e2')];
    expect(brokenPromises(history({ received, subscribed: [] }))).toEqual([
      expect.stringContaining('different orders'),
    ]);
  });

  it('finds the events of a publisher in another order than it published them', () => {
    const received = everything.received.toSorted((one, other) => {
      const order = (id: string) => (id === 'e4' ? 6.5 : Number(id.slice(1)));
      return order(one.id) - order(other.id);
    });
    expect(brokenPromises(history({ received }))).toEqual([
      's0 got e4 after a later one of p0',
      's1 got e4 after a later one of p0',
    ]);
  });

  it('finds an invented event, and one that came before it was sent', () => {
    const invented = withReceived((received) => {
      received.push({ session: 's0', id: 'e99', at: 40 });
      received[19] = { session: 's0', id: 'e19', at: 18 };
    });
    expect(brokenPromises(invented)).toEqual([
      's0 got e19, which nobody had sent',
      's0 got e99, which nobody had sent',
    ]);
  });

  it('finds a loss that was not told, where something may be lost', () => {
    const told = (at: number) => withReceived(lose, { troubles: mayLose, gaps: [{ session: 's0', at }] });
    expect(brokenPromises(told(30))).toEqual([]);
    expect(brokenPromises(told(6))).toEqual(['s0 did not get e7, and was not told of a gap']);
    expect(brokenPromises(withReceived(lose, { troubles: mayLose }))).toEqual([
      's0 did not get e7, and was not told of a gap',
    ]);
  });

  it('finds a gap that was told for no reason', () => {
    const gaps = [{ session: 's0', at: 4 }];
    expect(brokenPromises(history({ gaps }))).toEqual(['s0 was told of a gap for no reason']);
    expect(brokenPromises(history({ gaps, troubles: mayLose }))).toEqual([
      's0 was told of a gap for no reason',
    ]);
  });

  it('finds replay ids that do not ascend', () => {
    const ids = everything.received.map((one, at) => ({ ...one, replayId: at === 20 ? 3 : at + 1 }));
    expect(brokenPromises(history({ received: ids }))).toEqual([
      's0 got e10 with the replay id 3, after a higher one',
    ]);
  });

  it('finds requests that nobody answered, or too late', () => {
    const ask = { by: 'c', channel: '/meta/connect', at: 0, patience: 10 };
    const asked = [{ ...ask, answeredAt: 10 }, { ...ask, answeredAt: 11 }, ask];
    const published = everything.published.map((one) => {
      const { answer: _answer, ...silent } = one;
      return one.id === 'e3' ? silent : one;
    });
    expect(brokenPromises(history({ asked, published }))).toEqual([
      'c waited 11 ms for the answer to /meta/connect',
      'nobody answered c, who asked /meta/connect at 0',
      'nobody answered the publish of e3',
    ]);
  });

  it('finds a node that does not publish, and a session that hears nothing, for too long', () => {
    const later = (by: number, node: number): Published => ({
      ...{ id: `e${by}`, channel: '/p/1', by: `p${node}`, node, at: 4000 + by },
      answer: { at: 4000 + by, isAccepted: true },
    });
    const troubles = [{ is: 'stop', from: 19, until: 1000, mayLose: false }];
    const published = [...everything.published, later(20, 0), later(21, 1)];
    const received = [
      ...everything.received,
      ...['e20', 'e21'].flatMap((id) => ['s0', 's1'].map((session) => ({ session, id, at: 4100 }))),
    ];
    const late = history({ troubles, published, received });
    expect(recoveries(late)).toEqual([3100]);
    const stalls = [
      { at: 900, ms: 300 },
      { at: 2000, ms: 300 },
    ];
    expect(recoveries({ ...late, stalls })).toEqual([2800]);
    expect(brokenPromises(late)).toEqual([
      'the cluster was not well 3000 ms after Redis was, but after 3100 ms',
    ]);
    expect(recoveries(history({ troubles: [{ is: 'cut', from: 5, until: 9, mayLose: false }] }))).toEqual([
      1,
    ]);
  });
});
