import { expect, it, onTestFinished } from 'vitest';
import { silent } from '../../src/lib/log.ts';
import type { Engine } from '../../src/ports/engine.ts';
import type { Attendee, Lists, RosterChange } from '../../src/ports/directory.ts';
import { redisEngine } from '../../src/redis/redis-engine.ts';
import { Server } from '../../src/server.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { directoryContract } from '../core/contracts/directory.ts';
import { heard, rostersContract } from '../core/contracts/rosters.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { FakeClient } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';
import { nodeSide } from '../support/node-side.ts';
import { describeWithRedis, type TestCluster } from './cluster.ts';
import { RosterNode } from './roster-node.ts';

const patience = { timeout: 15_000, interval: 20 };
const ann: Attendee = { id: 'ann', session: 'a1', info: { name: 'Ann' }, since: 1 };
const bob: Attendee = { id: 'bob', session: 'b1', since: 2 };

function listsOf({ lists }: Engine): Lists {
  if (lists === undefined) throw new Error('the engine has no lists');
  return lists;
}

/** An engine that lasts as long as the test. */
async function open(cluster: TestCluster, url: string = cluster.redis.url): Promise<Lists> {
  const engine = redisEngine({ url, namespace: cluster.keys.prefix.slice(1, -2), timeout: 300 });
  onTestFinished(() => engine.close());
  await engine.open(nodeSide());
  return listsOf(engine);
}

const keysLeft = async ({ connection, keys }: TestCluster): Promise<unknown> => {
  const all = await connection.send(['KEYS', `${keys.prefix.replace(/[{}]/g, '?')}*`]);
  return Array.isArray(all) ? all.map((key: string) => key.slice(keys.prefix.length)).toSorted() : all;
};

describeWithRedis(
  'lists on Redis',
  (cluster) => {
    const nodes = () => Promise.all([open(cluster()), open(cluster()), open(cluster())]);

    rostersContract('three nodes on Redis', async () => {
      const [a, b, c] = await nodes();
      return [a.rosters, b.rosters, c.rosters];
    });

    for (const count of [1, 3])
      directoryContract(`${count} on Redis:`, () => {
        const nodes = Array.from({ length: count }, () => nodeOn(cluster()));
        const clients = new Map<string, FakeClient>();
        const [first] = nodes;
        if (first === undefined) throw new Error('no node');
        let ready: Promise<void> | undefined;
        return {
          directory: first.server.directory,
          open: async (user) => {
            ready ??= allKnown(nodes);
            await ready;
            const { server } = nodes[clients.size % nodes.length] ?? first;
            const client = await FakeClient.open(server, exchange(), { ext: { user } });
            clients.set(client.session.id, client);
            return client.session.id;
          },
          subscribe: async (id, pattern) => void (await clients.get(id)?.subscribe(pattern)),
          close: async (id) => void (await clients.get(id)?.disconnect()),
        };
      });

    it('keep groups for all nodes, in the order of the calls of each, and when all have left', async () => {
      const [a, b] = await nodes();
      await Promise.all(
        ['ann', 'bob', 'eve'].flatMap((user) => [a.groups.add('g', user), a.groups.remove('g', 'bob')]),
      );
      await b.groups.add('g', 'zoe');
      await b.groups.add('g', 'ann');
      expect(await a.groups.members('g')).toEqual(['ann', 'eve', 'zoe']);
      void b.groups.remove('g', 'zoe');
      expect(await b.groups.members('g')).toEqual(['ann', 'eve']);
    });

    it('leave no key in Redis when all nodes have left, but those of groups', async () => {
      const engines = [1, 2, 3].map(() =>
        redisEngine({ url: cluster().redis.url, namespace: cluster().keys.prefix.slice(1, -2) }),
      );
      for (const engine of engines) await engine.open(nodeSide());
      const [a, b, c] = engines.map(listsOf);
      await a?.rosters.enter('/r', ann);
      await b?.rosters.enter('/r', bob);
      await b?.rosters.linger('/r', bob);
      const told: string[] = [];
      await c?.rosters.watch('/r', (change) => void told.push(heard(change)));
      await c?.groups.add('g', 'ann');
      for (const engine of engines.slice(0, 2)) await engine.close();
      await expect.poll(() => told, patience).toEqual(['3 leave ann 0 of 1', '4 leave bob 0 of 0']);
      await engines[2]?.close();
      expect(await keysLeft(cluster())).toEqual(['gr:g', 'meta']);
    });

    it('lose nobody and tell each change once while connections are cut', async () => {
      const proxies = [await CutProxy.to(cluster().redis.port), await CutProxy.to(cluster().redis.port)];
      const [a, b] = await Promise.all(proxies.map(({ url }) => open(cluster(), url)));
      const told: RosterChange[] = [];
      await b?.rosters.watch('/r', (change) => void told.push(change));
      const ids = Array.from({ length: 60 }, (_, at) => `u${at}`);
      for (const [at, id] of ids.entries()) {
        if (at % 10 === 5) proxies[at % 20 === 5 ? 0 : 1]?.cut();
        const who = { id, session: `s${at}`, since: at };
        await a?.rosters.enter('/r', who);
        if (at % 2 === 0) await a?.rosters.leave('/r', who);
      }
      await expect.poll(() => told.length, patience).toBe(90);
      expect(told.map(({ seq }) => seq)).toEqual(told.map((_, at) => at + 1));
      expect((await b?.rosters.read('/r'))?.users.map(({ id }) => id)).toEqual(
        ids.filter((_, at) => at % 2 === 1),
      );
    });

    it('let the users of a node that is killed go when its lease ends, and tell those who watch', async () => {
      const proxy = await CutProxy.to(cluster().redis.port);
      const [a, dead] = [await open(cluster()), await open(cluster(), proxy.url)];
      // For a while after the first node no node is swept.
      await cluster().send('HSET', cluster().keys.meta, 'up', '0');
      const told: string[] = [];
      await a.rosters.watch('/r', (change) => void told.push(heard(change)));
      await a.rosters.enter('/r', ann);
      await dead.rosters.enter('/r', { ...ann, session: 'a2' });
      await dead.rosters.enter('/r', bob);
      await dead.rosters.watch('/r', () => {});
      proxy.close();
      const killed = performance.now();
      await expect.poll(() => told.length, patience).toBe(5);
      // Lease, a beat of the node that sweeps, and room for a busy machine.
      expect(performance.now() - killed).toBeLessThan(7000);
      expect(told.slice(3).toSorted()).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/update ann 1 of/),
          expect.stringMatching(/leave bob 0 of/),
        ]),
      );
      expect((await a.rosters.read('/r')).users).toMatchObject([{ id: 'ann', sessions: 1 }]);
    });

    it('are as they were when a node comes back that the others took for dead', async () => {
      const proxy = await CutProxy.to(cluster().redis.port);
      const [a, b] = [await open(cluster()), await open(cluster(), proxy.url)];
      await cluster().send('HSET', cluster().keys.meta, 'up', '0');
      const told: string[][] = [[], []];
      for (const [at, one] of [a, b].entries())
        await one.rosters.watch('/r', (change) => void told[at]?.push(heard(change)));
      await a.rosters.enter('/r', ann);
      await b.rosters.enter('/r', bob);
      const resume = setInterval(() => proxy.pause(), 1);
      await expect.poll(() => told[0]?.at(-1), patience).toBe('3 leave bob 0 of 1');
      await a.rosters.enter('/r', { ...ann, session: 'a2' });
      clearInterval(resume);
      proxy.cut();
      await expect.poll(() => told[0]?.at(-1), patience).toBe('5 join bob 1 of 2');
      await expect
        .poll(async () => (await b.rosters.read('/r')).users, patience)
        .toMatchObject([
          { id: 'ann', sessions: 2 },
          { id: 'bob', sessions: 1 },
        ]);
      const numbers = told[1]?.map((text) => Number(text.split(' ')[0]));
      expect(numbers).toEqual(numbers?.map((_, at) => at + 1));
    });

    it('are told anew when Redis lost all, and those who watch are told of what is another, without a hole', async () => {
      const [a, b, c] = await nodes();
      const told: string[] = [];
      await c.rosters.watch('/r', (change) => void told.push(heard(change)));
      await a.rosters.enter('/r', ann);
      await b.rosters.enter('/r', bob);
      await b.rosters.enter('/r', { ...bob, session: 'b2' });
      const before = (await c.rosters.read('/r')).users;
      await cluster().send('FLUSHALL');
      await b.rosters.leave('/r', bob);
      await expect.poll(() => told.at(-1), patience).toBe('4 update bob 1 of 2');
      await a.rosters.enter('/r', { id: 'eve', session: 'e1', since: 9 });
      await expect.poll(() => told.slice(4), patience).toEqual(['5 join eve 1 of 3']);
      const { users } = await c.rosters.read('/r');
      expect(users.toSorted((one, other) => one.since - other.since)).toEqual([
        before[0],
        { id: 'bob', since: 2, sessions: 1 },
        { id: 'eve', since: 9, sessions: 1 },
      ]);
      expect((await a.rosters.read('/r')).users).toEqual(users);
    });

    it('are true again when Redis comes back with older data', async () => {
      const [a, b] = [await open(cluster()), await open(cluster())];
      const told: string[] = [];
      await b.rosters.watch('/r', (change) => void told.push(heard(change)));
      await a.rosters.enter('/r', ann);
      await a.rosters.enter('/r', bob);
      await cluster().send('SAVE');
      await cluster().send('CONFIG', 'SET', 'appendonly', 'no');
      await a.rosters.leave('/r', bob);
      const eve = { id: 'eve', session: 'e1', since: 9 };
      await a.rosters.enter('/r', eve);
      // More changes than those with which Redis is put right: its numbers are lower then.
      for (let round = 0; round < 5; round += 1) {
        await a.rosters.leave('/r', eve);
        await a.rosters.enter('/r', eve);
      }
      await cluster().redis.kill();
      await cluster().redis.restart();
      await expect
        .poll(() => cluster().send('HKEYS', `${cluster().keys.prefix}rs:/r`).then(sorted, String), patience)
        .toEqual(['a1 ann', 'e1 eve']);
      await a.rosters.enter('/r', { id: 'zoe', session: 'z1', since: 10 });
      await expect.poll(() => told.at(-1), patience).toContain('join zoe 1 of 3');
      const { users, seq } = await b.rosters.read('/r');
      expect(users.map(({ id }) => id).toSorted()).toEqual(['ann', 'eve', 'zoe']);
      expect(told.map((text) => Number(text.split(' ')[0]))).toEqual(told.map((_, at) => at + 1));
      expect(seq).toBe(told.length);
    });

    it('are told anew when more sessions came and went than are kept while Redis is away', async () => {
      const one = await RosterNode.open(cluster(), 5);
      onTestFinished(() => one.kill());
      const told: string[] = [];
      await one.rosters.watch('/r', (change) => void told.push(heard(change)));
      await one.rosters.enter('/r', ann);
      await one.rosters.enter('/r', bob);
      cluster().redis.pause();
      const calls = [one.rosters.leave('/r', ann)];
      for (let at = 0; at < 100; at += 1) {
        const who = { id: `u${at}`, session: `s${at}`, since: at };
        calls.push(one.rosters.enter('/r', who));
        if (at !== 50) calls.push(one.rosters.leave('/r', who));
        expect(one.node.unlisted).toBeLessThan(12);
        await Promise.resolve();
      }
      cluster().redis.continue();
      await Promise.all(calls);
      await expect
        .poll(async () => (await one.rosters.read('/r')).users.map(({ id }) => id), patience)
        .toEqual(['bob', 'u50']);
      expect(told.length).toBeLessThan(10);
    });

    it('goes in calls of no more than 256 KiB', async () => {
      const one = await RosterNode.open(cluster());
      onTestFinished(() => one.kill());
      const info = { text: 'x'.repeat(100_000) };
      const ids = Array.from({ length: 9 }, (_, at) => `u${at}`);
      await Promise.all(
        ids.map((id, at) => one.rosters.enter('/r', { id, session: `s${at}`, since: at, info })),
      );
      const { users } = await one.rosters.read('/r');
      expect(users.map(({ id }) => id)).toEqual(ids);
      const number = await cluster().send('HGET', cluster().keys.counters, `u:${one.name}`);
      expect(Number(number)).toBeGreaterThan(4);
    });

    it('are kept through a pause of Redis that is longer than calls wait', async () => {
      const [a, b] = [await open(cluster()), await open(cluster())];
      const told: string[] = [];
      await b.rosters.watch('/r', (change) => void told.push(heard(change)));
      await a.rosters.enter('/r', ann);
      cluster().redis.pause();
      await expect(a.rosters.enter('/r', bob)).rejects.toThrow('could not be reached in time');
      const late = a.rosters.leave('/r', ann);
      cluster().redis.continue();
      await late;
      await expect
        .poll(async () => (await b.rosters.read('/r')).users, patience)
        .toMatchObject([{ id: 'bob' }]);
      expect(told).toEqual(['1 join ann 1 of 1', '2 join bob 1 of 2', '3 leave ann 0 of 1']);
    });
  },
  '--appendonly',
  'yes',
);

const sorted = (reply: unknown): unknown => (Array.isArray(reply) ? reply.toSorted() : reply);

interface Node {
  readonly server: Server;
  readonly engine: Engine;
}

function nodeOn(cluster: TestCluster): Node {
  const engine = redisEngine({ url: cluster.redis.url, namespace: cluster.keys.prefix.slice(1, -2) });
  const server = new Server({
    clock: new FakeClock(),
    engine,
    log: silent,
    policy: {
      canHandshake: ({ message }) => ({
        allow: true,
        ...(typeof message.ext?.user === 'string' && { user: message.ext.user }),
      }),
    },
  });
  onTestFinished(() => server.close());
  return { server, engine };
}

/** Resolves when each node knows of all others. */
async function allKnown(nodes: readonly Node[]): Promise<void> {
  for (const { server } of nodes) await server.open();
  for (const { engine } of nodes)
    await expect.poll(() => engine.peers?.nodes.length, patience).toBe(nodes.length - 1);
}
