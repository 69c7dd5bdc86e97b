import type { Clock } from '../lib/clock.ts';
import { TaskQueue } from '../lib/task-queue.ts';
import type { Groups } from '../ports/directory.ts';
import { EngineUnavailable } from '../ports/engine.ts';
import { askedUntil } from './connection/asked-until.ts';
import type { RedisNode } from './redis-node.ts';
import { changeGroup, type GroupChange, membersOf } from './scripts/group.ts';

/** Changes that may wait. */
const MAX_WAITING = 10_000;

/** A node that has lost its lease is back after its next beat. Milliseconds. */
const PAUSE = 50;

/** What groups are made with. */
export interface RedisGroupsOptions {
  /** The name of this node. */
  readonly node: string;
  readonly clock: Clock;
  /** How long a call waits while Redis cannot be reached. Milliseconds. */
  readonly hold: () => number;
  /** Resolves when the node has opened; rejects when that failed. */
  readonly opened: () => Promise<RedisNode>;
}

/** The groups of a cluster, in Redis. The application keeps them: they stay when all nodes have left. */
export class RedisGroups implements Groups {
  readonly #options: RedisGroupsOptions;
  readonly #changes = new TaskQueue();
  #number = 0;

  constructor(options: RedisGroupsOptions) {
    this.#options = options;
  }

  add(group: string, user: string): Promise<void> {
    return this.#change({ group, user, isIn: true });
  }

  remove(group: string, user: string): Promise<void> {
    return this.#change({ group, user, isIn: false });
  }

  async members(group: string): Promise<readonly string[]> {
    // Behind the changes that were asked for before.
    if (this.#changes.length > 0) await this.#changes.run(() => {});
    const { runner, commands } = await this.#options.opened();
    const { node, clock, hold } = this.#options;
    const limit = { connection: commands, clock, hold: hold() };
    const outcome = await askedUntil(() => membersOf(runner, node, group), limit);
    return outcome.is === 'OK' ? outcome.value : [];
  }

  async #change(change: GroupChange): Promise<void> {
    if (this.#changes.length >= MAX_WAITING)
      throw new EngineUnavailable(`${MAX_WAITING} changes of groups wait for Redis`);
    await this.#changes.run(() => this.#send(change));
  }

  // One after another. The number is higher each time, so that no copy of an earlier call takes effect later.
  async #send(change: GroupChange): Promise<void> {
    this.#number += 1;
    const number = this.#number;
    const node = await this.#options.opened();
    const { clock, hold } = this.#options;
    const until = clock.now() + hold();
    for (;;) {
      const { caller, runner, commands } = node;
      const limit = { connection: commands, clock, hold: until - clock.now() };
      if (caller !== undefined) {
        const outcome = await askedUntil(() => changeGroup(runner, caller, number, change), limit);
        if (outcome.is === 'OK') return;
      }
      if (clock.now() > until) throw new EngineUnavailable('this node has no lease in Redis');
      await new Promise<void>((resolve) => void clock.after(PAUSE, resolve));
    }
  }
}
