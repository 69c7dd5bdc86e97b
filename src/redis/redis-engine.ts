/**
 * An engine for several nodes, on Redis.
 *
 * @module bayeuxd/redis
 */

import { LinkedPeers } from '../cluster/linked-peers.ts';
import { hasLinks } from '../cluster/link-settings.ts';
import { systemClock } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import { isNode, newNode } from '../lib/node-name.ts';
import {
  type CarriedHistory,
  type Engine,
  type EngineStatus,
  EngineUnavailable,
  type NodeSide,
  type NodeStatus,
  type Publication,
} from '../ports/engine.ts';
import type { Peers } from '../ports/peers.ts';
import type { Lists } from '../ports/directory.ts';
import type { Stored } from './batch.ts';
import { checkRedis } from './check-redis.ts';
import { ClusterView } from './cluster-view.ts';
import { dialOf } from './engine-dial.ts';
import { type RedisEngineOptions, readOptions } from './engine-options.ts';
import { Interests } from './interests.ts';
import { Keys } from './keys.ts';
import type { MailboxGap } from './mailbox.ts';
import { MailboxQuestions } from './mailbox-questions.ts';
import { RedisGroups } from './redis-groups.ts';
import { PipedPeers } from './piped-peers.ts';
import { RedisHistory } from './redis-history.ts';
import { REGISTERING, RedisNode, type RedisNodeSide } from './redis-node.ts';
import { RedisPeers } from './redis-peers.ts';
import { RedisRosters } from './redis-rosters.ts';
import { RedisShared } from './redis-shared.ts';
import type { Carried } from './scripts/publish.ts';

export type { IoRedisClient } from './connection/io-redis.ts';
export type { NodeRedisClient } from './connection/node-redis.ts';
export type { ClusterSettings, LinkTls } from '../cluster/link-settings.ts';
export type { Durability } from './durability.ts';
export type { RedisEngineOptions } from './engine-options.ts';

/** How long an interest that nobody has any more stays in force. Milliseconds. */
const GRACE = 10_000;

/** The length of the name of a node, with which each public id begins. */
const NODE_LENGTH = 8;

/**
 * Makes the engine of one server: `new Server({ engine: redisEngine({ url: 'redis://127.0.0.1:6379' }) })`. The servers that have the same
 * Redis and namespace are one cluster. Throws `UsageError` for wrong options.
 */
export function redisEngine(options: RedisEngineOptions): Engine {
  return new RedisEngine(options);
}

class RedisEngine implements Engine {
  readonly node = newNode();
  readonly history: CarriedHistory;
  readonly peers: Peers;
  readonly lists: Lists;
  readonly shared: RedisShared;
  readonly #options: ReturnType<typeof readOptions>;
  readonly #history: RedisHistory;
  readonly #peers: RedisPeers;
  readonly #interests: Interests;
  readonly #rosters: RedisRosters;
  readonly #opened = new Deferred<RedisNode>();
  readonly #view = new ClusterView(systemClock);
  #node: RedisNode | undefined;
  #hold = 0;
  #side: NodeSide | undefined;
  #isAway = false;
  #isClosed = false;

  constructor(options: RedisEngineOptions) {
    this.#options = readOptions(options);
    this.#history = new RedisHistory({
      clock: systemClock,
      hold: () => this.#hold,
      opened: () => this.#opened.promise,
      carry: (publication, retention) =>
        this.#carry(publication, { durable: { retention, json: publication.event.json } }),
    });
    this.history = this.#history;
    this.#peers = this.#makePeers();
    this.peers = this.#peers;
    this.shared = new RedisShared({
      clock: systemClock,
      hold: () => this.#hold,
      node: () => this.#node,
      failed: (error) => this.#side?.warn(String(error)),
    });
    this.#interests = new Interests(
      (pattern, isWanted) => this.#require().interest(pattern, isWanted),
      systemClock,
      GRACE,
    );
    const { node } = this;
    const shared = { node, clock: systemClock, hold: () => this.#hold, opened: () => this.#opened.promise };
    this.#rosters = new RedisRosters({ ...shared, interests: this.#interests });
    this.lists = { groups: new RedisGroups(shared), rosters: this.#rosters };
  }

  async open(side: NodeSide): Promise<void> {
    const { namespace, timeout, keep, durability } = this.#options;
    const dialling = dialOf(this.#options, new Keys(namespace).meta);
    this.#hold = side.timeout;
    this.#side = side;
    const node = new RedisNode({
      dial: async (hooks) => (await dialling)(hooks),
      clock: systemClock,
      node: this.node,
      namespace,
      timeout,
      keepMs: keep,
      limits: { hold: side.timeout },
      durability,
      lease: () => ({
        ...this.#view.lease(this.#node, side.facts?.()),
        ...this.#peers.lease,
      }),
      side: this.#sideOf(side),
    });
    this.#node = node;
    try {
      await this.#peers.open(side);
      if (this.#isClosed) throw new EngineUnavailable('the engine was closed before it was open');
      const opening = node.open();
      const checking = dialling.then(() => checkRedis(node.commands, this.#options, side.warn));
      await Promise.all([opening, checking]);
      this.#opened.resolve(node);
      await this.#peers.whenReached();
    } catch (error) {
      this.#opened.reject(error);
      await this.close();
      throw error;
    }
  }

  async publish(publication: Publication): Promise<void> {
    if (this.#isAway && this.#options.away === 'local' && publication.to === undefined)
      this.#deliverFirst(publication);
    else await this.#carry(publication);
  }

  // The others get it when Redis is back.
  #deliverFirst(publication: Publication): void {
    const node = this.#require();
    this.#side?.deliver(publication);
    node.publish(publication, {}, true).catch((error: unknown) => {
      if (!this.#isClosed)
        this.#side?.warn(
          `an event that was delivered on its own node does not reach others: ${messageOf(error)}`,
        );
    });
  }

  interest(pattern: string, wanted: boolean): Promise<void> {
    if (wanted) return this.#interests.add(pattern);
    this.#interests.remove(pattern);
    return Promise.resolve();
  }

  status(): EngineStatus {
    return this.#view.status(this.#node);
  }

  nodes(): readonly NodeStatus[] {
    const listed = this.#view.nodes;
    const names = new Set(listed.map(({ node }) => node));
    // One that has just started is reached before its lease is seen.
    const more = this.#peers.nodes.filter((node) => !names.has(node));
    return [...listed, ...more.map((node) => ({ node }))];
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#interests.close();
    this.#rosters.close();
    this.shared.close();
    await this.#peers.leave();
    // First the lease: then the others know that this node has left, and has not lost its links.
    await this.#node?.close();
    await this.#peers.close();
  }

  async #carry(publication: Publication, how: Pick<Carried, 'durable'> = {}): Promise<Stored | undefined> {
    const { to } = publication;
    return this.#require().publish(publication, to === undefined ? how : { ...how, toNodes: nodesOf(to) });
  }

  #makePeers(): RedisPeers {
    const { cluster } = this.#options;
    const own = { node: this.node, clock: systemClock };
    const tell = async (node: string, text: string) => (await this.#node?.tell(node, text)) ?? 'not now';
    return new RedisPeers({
      clock: systemClock,
      questions: new MailboxQuestions({ ...own, tell }),
      pipes: new PipedPeers({ ...own, secret: cluster?.secret ?? '', tell }),
      links: hasLinks(cluster) ? new LinkedPeers({ ...own, settings: cluster }) : undefined,
    });
  }

  #require(): RedisNode {
    if (this.#node === undefined || this.#isClosed) throw new EngineUnavailable('the engine is not open');
    return this.#node;
  }

  #sideOf(side: NodeSide): RedisNodeSide {
    return {
      deliver: (publication, stored) => {
        side.deliver(this.#history.stamped(publication, stored));
      },
      missed: (gap) => this.#missed(gap, side),
      told: (text, age) => {
        if (!this.#peers.told(text, age)) side.warn('another node runs a version that this one cannot read');
      },
      restarted: () => {
        this.#rosters.missed(REGISTERING);
        this.shared.restarted();
        if (this.#options.durability === 'none') side.missed('unknown');
      },
      state: (state, why) => {
        if (state === 'away') this.#view.troubled(why ?? 'Redis cannot be reached');
        this.#isAway = state === 'away';
        if (!this.#isClosed) side.state(state, why);
      },
      beaten: (beat) => {
        this.#view.beaten(beat);
        this.#peers.beaten(beat);
        this.shared.beaten(beat.birth);
        void this.#sweep(beat.due);
      },
      failed: (error) => {
        const why = messageOf(error);
        this.#view.troubled(why);
        side.warn(why);
      },
      interests: () => this.#interests.patterns,
      places: () => this.#rosters.places,
      attended: (reached) => this.#rosters.reached(reached),
      changed: (roster, change) => this.#rosters.changed(roster, change),
    };
  }

  // Redis lost what this node had read already: others may not have.
  #missed(gap: MailboxGap, side: NodeSide): void {
    this.#rosters.missed(gap.why === 'trimmed' ? 0 : REGISTERING);
    side.missed(gap.why === 'trimmed' ? { log: this.node, entries: gap.entries } : 'unknown');
  }

  // One that fails is due at the next beat again.
  async #sweep(due: readonly string[]): Promise<void> {
    for (const dead of due) await this.#node?.sweep(dead).catch(() => {});
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function nodesOf(ids: readonly string[]): string[] {
  return [...new Set(ids.map((id) => id.slice(0, NODE_LENGTH)))].filter(isNode);
}
