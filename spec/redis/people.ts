import { onTestFinished } from 'vitest';
import { Server, type ServerSettings } from '../../src/index.ts';
import type { Rosters } from '../../src/ports/directory.ts';
import type { Engine, NodeSide, Publication } from '../../src/ports/engine.ts';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import { redisEngine } from '../../src/redis/redis-engine.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { type People, personOn, settingsForPeople } from '../presence/people.ts';
import { settle, turn } from '../support/until.ts';
import type { TestCluster } from './cluster.ts';

/** Time in which no timer of a server causes another one by way of Redis. Milliseconds. */
const CHUNK = 1000;

/** An engine that knows what is under way. */
interface WatchedEngine {
  readonly engine: Engine;
  /** Calls about rosters that are under way, and all so far. */
  readonly calls: { pending: number; count: number };
  /** The last fence that came by the mailbox. */
  readonly fence: { last: number };
}

/** Three servers on one Redis, whose clients come to one after the other. The time of the servers stands still, that of Redis does not. */
export class Nodes {
  readonly servers: readonly Server[];
  readonly clock = new FakeClock();
  readonly #engines: readonly WatchedEngine[];
  #fences = 0;

  constructor(cluster: TestCluster, settings: ServerSettings) {
    this.#engines = [1, 2, 3].map(() => watchedEngine(cluster));
    this.servers = this.#engines.map(({ engine }) => new Server({ clock: this.clock, ...settings, engine }));
    onTestFinished(() => this.close());
  }

  async open(): Promise<void> {
    for (const server of this.servers) await server.open();
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()));
  }

  /** Waits for all that follows from what was done, on all nodes. */
  readonly quiet = async (): Promise<void> => {
    await this.open();
    for (let before = -1; before !== this.#count; ) {
      before = this.#count;
      await settle();
      while (this.#engines.some(({ calls }) => calls.pending > 0)) await turn();
      await this.#allRead();
      await settle();
    }
  };

  readonly tick = async (ms: number): Promise<void> => {
    await this.quiet();
    for (let left = ms; left >= 0; left -= CHUNK) {
      await this.clock.tick(Math.min(left, CHUNK));
      await this.quiet();
      await this.clock.tick(0);
      await this.quiet();
    }
  };

  get #count(): number {
    return this.#engines.reduce((sum, { calls }) => sum + calls.count, 0);
  }

  // Mailboxes have one order: behind the fence there is nothing that was done before.
  async #allRead(): Promise<void> {
    const [first] = this.#engines;
    this.#fences += 1;
    const to = this.#engines.map(({ engine }) => `${engine.node}1`);
    const event = new OutgoingEvent({ channel: '/fence', data: this.#fences });
    await Promise.resolve(first?.engine.publish({ event, to })).catch(() => {});
    while (this.#engines.some(({ fence }) => fence.last < this.#fences)) await turn();
  }
}

/** As `servePeople`, on three nodes. The server stands for all of them. */
export function servePeopleOnNodes(cluster: TestCluster, settings: ServerSettings = {}): People {
  const nodes = new Nodes(cluster, settingsForPeople(settings));
  const { servers, clock, quiet, tick } = nodes;
  for (const server of servers) server.takeSockets();
  let people = 0;
  const sum = (of: (server: Server) => number): number =>
    servers.reduce((total, server) => total + of(server), 0);
  const all: Partial<Record<keyof Server, unknown>> = {
    close: () => nodes.close(),
    on: (...given: Parameters<Server['on']>) => {
      for (const server of servers) server.on(...given);
    },
    user: (id: string) => ({
      disconnect: () => Promise.all(servers.map((server) => server.user(id).disconnect())),
    }),
  };
  const server = new Proxy(servers[0] ?? new Server(), {
    get(first, name) {
      if (name === 'sessions') return servers.flatMap((one) => [...one.sessions]);
      if (name === 'presenceBytes') return sum(({ presenceBytes }) => presenceBytes);
      if (name === 'usage') {
        const { channelNodes, ...rest } = first.usage;
        return {
          ...rest,
          sessions: sum(({ usage }) => usage.sessions),
          channelNodes: sum(({ usage }) => usage.channelNodes),
        };
      }
      if (name in all) return all[name as keyof Server];
      const member: unknown = Reflect.get(first, name, first);
      return typeof member === 'function' ? member.bind(first) : member;
    },
  });
  return {
    server,
    clock: {
      tick,
      now: () => clock.now(),
      get pending() {
        return clock.pending;
      },
    },
    person: async (user, info) => {
      await quiet();
      people += 1;
      const own = servers[people % servers.length];
      if (own === undefined) throw new Error('no server');
      return personOn(own, user, info, quiet);
    },
  };
}

function watchedEngine(cluster: TestCluster): WatchedEngine {
  const real = redisEngine({ url: cluster.redis.url, namespace: cluster.keys.prefix.slice(1, -2) });
  const calls = { pending: 0, count: 0 };
  const fence = { last: 0 };
  const { lists } = real;
  if (lists === undefined) throw new Error('the engine has no lists');
  const engine: Engine = {
    node: real.node,
    ...(real.history && { history: real.history }),
    ...(real.peers && { peers: real.peers }),
    lists: { groups: lists.groups, rosters: counted(lists.rosters, calls) },
    open: (side) => real.open({ ...side, deliver: (one) => seen(one, fence, side) }),
    publish: (one) => real.publish(one),
    interest: (pattern, wanted) => real.interest(pattern, wanted),
    close: () => real.close(),
  };
  return { engine, calls, fence };
}

function seen(publication: Publication, fence: { last: number }, side: NodeSide): void {
  const { channel, data } = publication.event.message;
  if (channel === '/fence') fence.last = Number(data);
  else side.deliver(publication);
}

function counted(rosters: Rosters, calls: { pending: number; count: number }): Rosters {
  return new Proxy(rosters, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...given: unknown[]) => {
        calls.pending += 1;
        calls.count += 1;
        try {
          return await Reflect.apply(member, target, given);
        } finally {
          calls.pending -= 1;
        }
      };
    },
  });
}
