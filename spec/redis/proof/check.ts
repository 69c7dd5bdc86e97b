import type { ClusterHistory, Published, Received, Subscribed } from './cluster-history.ts';

/** How long nodes may take to publish, and sessions to get events, when Redis is well again. Milliseconds. */
const RECOVERY = 3000;

/**
 * Compares what the clients of a cluster saw with what docs/cluster.md promises, and knows nothing else. Gives a sentence for each broken
 * promise.
 */
export function brokenPromises(history: ClusterHistory): string[] {
  const events = new Map(history.published.map((one) => [one.id, one]));
  const bySession = grouped(history.received);
  return [
    ...unanswered(history),
    ...invented(history, events),
    ...doubled(bySession),
    ...lost(history, bySession),
    ...divided(history, bySession),
    ...disordered(bySession, events),
    ...swapped(bySession),
    ...fallenIds(bySession),
    ...needlessGaps(history),
    ...slowRecoveries(history),
  ];
}

/**
 * How long it took after each trouble until each node had published and each session had got something again. Milliseconds. A trouble that
 * was soon followed by the next one is left out, unless all was well in between. Time in which the process stood still does not count.
 */
export function recoveries({
  nodes,
  published,
  subscribed,
  received,
  troubles,
  stalls,
}: ClusterHistory): number[] {
  const end = published.at(-1)?.at ?? 0;
  return troubles.flatMap(({ until }, place) => {
    const isHere = ({ from, until: left }: Subscribed) => from < until && left === undefined;
    const sessions = new Set(subscribed.filter(isHere).map(({ session }) => session));
    const firsts = [
      ...Array.from(
        { length: nodes },
        (_, node) => published.find((one) => one.node === node && isAcceptedAfter(one, until))?.answer?.at,
      ),
      ...Array.from(
        sessions,
        (session) => received.find((one) => one.session === session && one.at >= until)?.at,
      ),
    ];
    const well = Math.max(...firsts.map((at = Number.POSITIVE_INFINITY) => at));
    const stalled = stalls.filter(({ at }) => at > until && at < well).reduce((sum, { ms }) => sum + ms, 0);
    const took = Math.max(0, well - until - stalled);
    const time = (troubles[place + 1]?.from ?? end) - until;
    return took > time && time < RECOVERY ? [] : [took];
  });
}

const isAcceptedAfter = ({ answer }: Published, time: number): boolean =>
  answer?.isAccepted === true && answer.at >= time;

function unanswered({ asked, published }: ClusterHistory): string[] {
  const clients = asked.flatMap(({ by, channel, at, answeredAt, patience }) => {
    if (answeredAt === undefined) return [`nobody answered ${by}, who asked ${channel} at ${Math.round(at)}`];
    const took = answeredAt - at;
    return took <= patience ? [] : [`${by} waited ${Math.round(took)} ms for the answer to ${channel}`];
  });
  return [
    ...clients,
    ...published.flatMap(({ id, answer }) => (answer ? [] : [`nobody answered the publish of ${id}`])),
  ];
}

function invented({ received }: ClusterHistory, events: ReadonlyMap<string, Published>): string[] {
  return received.flatMap(({ id, session, at }) => {
    const event = events.get(id);
    return event !== undefined && event.at <= at ? [] : [`${session} got ${id}, which nobody had sent`];
  });
}

function doubled(bySession: ReadonlyMap<string, readonly Received[]>): string[] {
  return [...bySession].flatMap(([session, all]) => {
    const seen = new Set<string>();
    return all.flatMap(({ id }) => {
      if (seen.has(id)) return [`${session} got ${id} twice`];
      seen.add(id);
      return [];
    });
  });
}

// A session that misses something has to be told, where anything may be missing at all.
function lost(
  { published, subscribed, gaps, troubles }: ClusterHistory,
  bySession: ReadonlyMap<string, readonly Received[]>,
): string[] {
  const mayLose = troubles.some((one) => one.mayLose);
  return subscribed.flatMap((subscription) => {
    const { session } = subscription;
    const got = idsOf(bySession.get(session));
    const isTold = (since: number) => gaps.some((gap) => gap.session === session && gap.at >= since);
    return published.filter(owedTo(subscription)).flatMap(({ id, at }) => {
      if (got.has(id)) return [];
      if (!mayLose) return [`${session} did not get ${id}, which was accepted`];
      return isTold(at) ? [] : [`${session} did not get ${id}, and was not told of a gap`];
    });
  });
}

// One that was refused may come late; but then it comes to all.
function divided(
  { published, subscribed, troubles }: ClusterHistory,
  bySession: ReadonlyMap<string, readonly Received[]>,
): string[] {
  if (troubles.some(({ mayLose }) => mayLose)) return [];
  const refused = published.filter(({ answer }) => answer?.isAccepted === false);
  const anyone = new Set([...bySession.values()].flatMap((all) => all.map(({ id }) => id)));
  const halfway = refused
    .filter(({ id }) => anyone.has(id))
    .map((one) => ({ ...one, answer: { at: 0, isAccepted: true } }));
  return subscribed.flatMap((subscription) => {
    const got = idsOf(bySession.get(subscription.session));
    return halfway
      .filter(owedTo(subscription))
      .flatMap(({ id }) =>
        got.has(id) ? [] : [`${subscription.session} did not get ${id}, which others got`],
      );
  });
}

// Those of one publisher come in the order in which it published them.
function disordered(
  bySession: ReadonlyMap<string, readonly Received[]>,
  events: ReadonlyMap<string, Published>,
): string[] {
  const numbers = new Map([...events.keys()].map((id, number) => [id, number]));
  return [...bySession].flatMap(([session, all]) => {
    const last = new Map<string, number>();
    return all.flatMap(({ id }) => {
      const by = events.get(id)?.by;
      const number = numbers.get(id);
      if (by === undefined || number === undefined) return [];
      const before = last.get(by) ?? -1;
      last.set(by, Math.max(before, number));
      return number < before ? [`${session} got ${id} after a later one of ${by}`] : [];
    });
  });
}

/** There is one order in which all sessions got what they got: nothing comes, by way of others, before itself. */
function swapped(bySession: ReadonlyMap<string, readonly Received[]>): string[] {
  const next = new Map<string, Set<string>>();
  const waitsFor = new Map<string, number>();
  for (const all of bySession.values()) {
    const ids = [...idsOf(all)];
    for (const [at, id] of ids.entries()) {
      if (!waitsFor.has(id)) waitsFor.set(id, 0);
      const before = ids[at - 1];
      if (before === undefined || next.get(before)?.has(id)) continue;
      next.set(before, (next.get(before) ?? new Set()).add(id));
      waitsFor.set(id, (waitsFor.get(id) ?? 0) + 1);
    }
  }
  const free = [...waitsFor].flatMap(([id, count]) => (count === 0 ? [id] : []));
  for (let id = free.pop(); id !== undefined; id = free.pop()) {
    waitsFor.delete(id);
    for (const one of next.get(id) ?? []) {
      const left = (waitsFor.get(one) ?? 0) - 1;
      waitsFor.set(one, left);
      if (left === 0) free.push(one);
    }
  }
  const [first] = waitsFor.keys();
  return first === undefined
    ? []
    : [`sessions got ${waitsFor.size} events in different orders, such as ${first}`];
}

function fallenIds(bySession: ReadonlyMap<string, readonly Received[]>): string[] {
  return [...bySession].flatMap(([session, all]) => {
    let highest = 0;
    return all.flatMap(({ id, replayId }) => {
      if (replayId === undefined) return [];
      const isHigher = replayId > highest;
      highest = Math.max(highest, replayId);
      return isHigher ? [] : [`${session} got ${id} with the replay id ${replayId}, after a higher one`];
    });
  });
}

function needlessGaps({ gaps, troubles }: ClusterHistory): string[] {
  const since = Math.min(...troubles.flatMap(({ mayLose, from }) => (mayLose ? [from] : [])));
  return gaps.flatMap(({ session, at }) =>
    at >= since ? [] : [`${session} was told of a gap for no reason`],
  );
}

function slowRecoveries(history: ClusterHistory): string[] {
  return recoveries(history).flatMap((ms) =>
    ms <= RECOVERY
      ? []
      : [`the cluster was not well ${RECOVERY} ms after Redis was, but after ${Math.round(ms)} ms`],
  );
}

const grouped = (received: readonly Received[]): ReadonlyMap<string, readonly Received[]> => {
  const groups = new Map<string, Received[]>();
  for (const one of received) {
    const group = groups.get(one.session);
    if (group === undefined) groups.set(one.session, [one]);
    else group.push(one);
  }
  return groups;
};

const idsOf = (received: readonly Received[] = []): ReadonlySet<string> =>
  new Set(received.map(({ id }) => id));

/** Whether a session with this subscription has to get an event: it was accepted, and published in its time. */
function owedTo({ pattern, from, until }: Subscribed): (event: Published) => boolean {
  return ({ channel, at, answer }) =>
    at >= from && until === undefined && answer?.isAccepted === true && matches(pattern, channel);
}

/** Patterns here end with `/*`, and no channel is deeper. */
function matches(pattern: string, channel: string): boolean {
  return pattern.endsWith('*') ? channel.startsWith(pattern.slice(0, -1)) : channel === pattern;
}
