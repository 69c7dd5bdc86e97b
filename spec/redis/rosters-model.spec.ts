import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Attendee, Roster, RosterChange } from '../../src/ports/directory.ts';
import type { RedisRosters } from '../../src/redis/redis-rosters.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { describeWithRedis, type TestCluster } from './cluster.ts';
import { RosterNode } from './roster-node.ts';

const NODES = 3;
const patience = { timeout: 12_000, interval: 10 };
const names = ['/a', '/b'] as const;
const users = ['ann', 'bob', 'eve'] as const;

const { constant, constantFrom, nat, oneof, record } = fc;
const node = nat({ max: NODES - 1 });
const name = constantFrom(...names);
const steps: fc.Arbitrary<Step[]> = fc.array(
  oneof(
    {
      weight: 12,
      arbitrary: record({
        do: constant('enter' as const),
        node,
        name,
        user: constantFrom(...users),
        slot: nat({ max: 1 }),
      }),
    },
    { weight: 9, arbitrary: record({ do: constantFrom('leave' as const, 'linger' as const), who: nat() }) },
    { weight: 2, arbitrary: record({ do: constantFrom('watch' as const, 'unwatch' as const), node, name }) },
    { weight: 2, arbitrary: record({ do: constant('cut' as const), node }) },
    { weight: 1, arbitrary: record({ do: constant('kill' as const), node }) },
  ),
  { minLength: 10, maxLength: 50, size: 'max' },
);
type Step =
  | {
      readonly do: 'enter';
      readonly node: number;
      readonly name: string;
      readonly user: string;
      readonly slot: number;
    }
  | { readonly do: 'leave' | 'linger'; readonly who: number }
  | { readonly do: 'watch' | 'unwatch'; readonly node: number; readonly name: string }
  | { readonly do: 'cut' | 'kill'; readonly node: number };

/** What a listener was told, from what the node knew when it began. */
class Listener {
  readonly changes: RosterChange[] = [];
  readonly before: Roster;
  readonly end: () => void;

  private constructor(before: Roster, end: () => void, changes: RosterChange[]) {
    this.before = before;
    this.end = end;
    this.changes = changes;
  }

  static async on(rosters: RedisRosters, roster: string): Promise<Listener> {
    const changes: RosterChange[] = [];
    const end = await rosters.watch(roster, (change) => void changes.push(change));
    return new Listener(await rosters.read(roster), end, changes);
  }

  /** The list that follows from all changes; throws for a hole, or for a change that fits no list. */
  list(): Map<string, number> {
    const list = new Map(this.before.users.map(({ id, sessions }) => [id, sessions]));
    let { seq } = this.before;
    for (const change of this.changes) {
      if (change.seq <= this.before.seq) continue;
      if (change.seq !== seq + 1) throw new Error(`${change.seq} came after ${seq}`);
      seq = change.seq;
      const { type, user, total } = change;
      if (list.has(user.id) === (type === 'join')) throw new Error(`${type} of ${user.id}`);
      if (type === 'leave') list.delete(user.id);
      else list.set(user.id, user.sessions);
      if (list.size !== total) throw new Error(`${list.size} users, but a total of ${total}`);
    }
    return list;
  }
}

/** A node, and what is to be listed there. */
class ModelNode extends RosterNode {
  readonly here = new Map<string, Attendee & { readonly roster: string; lingers: boolean }>();
  readonly listeners = new Map<string, Listener>();

  static override async open(cluster: TestCluster): Promise<ModelNode> {
    const node = new ModelNode(cluster, await CutProxy.to(cluster.redis.port));
    await node.node.open();
    return node;
  }
}

async function play(cluster: TestCluster, all: readonly Step[]): Promise<void> {
  const nodes = await Promise.all(Array.from({ length: NODES }, () => ModelNode.open(cluster)));
  await cluster.send('HSET', cluster.keys.meta, 'up', '0');
  const [first] = nodes;
  if (first === undefined) throw new Error('no node');
  let sessions = 0;
  const under = new Map<string, Promise<void>>();
  const failed = new Set<unknown>();
  // Calls about one entry of a node go one after another; all others at the same time.
  const run = (one: ModelNode, key: string, call: () => Promise<void>): void => {
    const place = `${nodes.indexOf(one)} ${key}`;
    const before = under.get(place) ?? Promise.resolve();
    under.set(
      place,
      before.then(call).catch((error) => void (nodes.includes(one) && failed.add(error))),
    );
  };
  for (const name of names) first.listeners.set(name, await Listener.on(first.rosters, name));

  const take = async (step: Step): Promise<void> => {
    if ('who' in step) {
      const places = nodes.flatMap((one) => [...one.here].map(([key, place]) => ({ one, key, place })));
      const { one, key, place } = places[step.who % Math.max(1, places.length)] ?? {};
      if (one === undefined || key === undefined || place === undefined) return;
      const { roster, lingers: _, ...attendee } = place;
      const entry = `${roster} ${place.id}`;
      if (step.do === 'leave') {
        one.here.delete(key);
        run(one, entry, () => one.rosters.leave(roster, attendee));
      } else {
        place.lingers = true;
        run(one, entry, () => one.rosters.linger(roster, attendee));
      }
      return;
    }
    const one = nodes[step.node] ?? first;
    switch (step.do) {
      case 'enter': {
        sessions += 1;
        const key = `${step.name} ${step.user} ${step.slot}`;
        const known = one.here.get(key);
        const attendee = known ?? { id: step.user, session: `s${sessions}`, since: sessions };
        const { id, session, since } = attendee;
        one.here.set(key, { id, session, since, roster: step.name, lingers: false });
        run(one, `${step.name} ${id}`, () => one.rosters.enter(step.name, { id, session, since }));
        return;
      }
      case 'watch':
        if (!one.listeners.has(step.name))
          one.listeners.set(step.name, await Listener.on(one.rosters, step.name));
        return;
      case 'unwatch':
        if (one === first) return;
        one.listeners.get(step.name)?.end();
        one.listeners.delete(step.name);
        return;
      case 'cut':
        one.proxy.cut();
        return;
      case 'kill':
        // The first one watches to the end.
        if (one === first) return;
        nodes.splice(nodes.indexOf(one), 1, await ModelNode.open(cluster));
        await one.kill();
    }
  };

  try {
    for (const step of all) await take(step);
    await Promise.all(under.values());
    expect([...failed]).toEqual([]);
    for (const name of names) {
      // One that lingers may have been replaced by any later session of its user.
      const bounds = (id: string): readonly [number, number] => {
        const places = nodes.flatMap(({ here }) => [...here.values()]);
        const own = places.filter((place) => place.roster === name && place.id === id);
        return [own.filter(({ lingers }) => !lingers).length, own.length];
      };
      const wrong = async () => {
        const now = new Map((await first.rosters.read(name)).users.map(({ id, sessions }) => [id, sessions]));
        return users.filter((id) => {
          const [least, most] = bounds(id);
          const sessions = now.get(id) ?? 0;
          return sessions < least || sessions > most;
        });
      };
      await expect.poll(wrong, patience).toEqual([]);
      const copies = async () => {
        const reads = await Promise.all(nodes.map(({ rosters }) => rosters.read(name)));
        return new Set(reads.map((read) => JSON.stringify(read))).size;
      };
      await expect.poll(copies, patience).toBe(1);
      const { users: listed, seq } = await first.rosters.read(name);
      for (const { listeners } of nodes) {
        const listener = listeners.get(name);
        if (listener === undefined) continue;
        expect(listener.list()).toEqual(new Map(listed.map(({ id, sessions }) => [id, sessions])));
        expect(listener.changes.at(-1)?.seq ?? seq).toBe(seq);
      }
    }
  } finally {
    for (const one of nodes) await one.kill();
    await cluster.send('FLUSHALL');
  }
}

describeWithRedis('whatever happens on which node', (cluster) => {
  it(
    'all that watch end with the list that is read, and numbers have no hole',
    () =>
      fc.assert(
        fc.asyncProperty(steps, (all) => play(cluster(), all)),
        { numRuns: 25, seed: 7, endOnFailure: true },
      ),
    180_000,
  );
});
