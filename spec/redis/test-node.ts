import { onTestFinished } from 'vitest';
import { createClient } from '@redis/client';
import { systemClock } from '../../src/lib/clock.ts';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import type { Stored } from '../../src/redis/batch.ts';
import type { Dial } from '../../src/redis/connection/line.ts';
import { nodeRedis } from '../../src/redis/connection/node-redis.ts';
import type { Publication } from '../../src/ports/engine.ts';
import type { MailboxGap } from '../../src/redis/mailbox.ts';
import {
  type Listing,
  RedisNode,
  type RedisNodeOptions,
  type RedisNodeSide,
} from '../../src/redis/redis-node.ts';
import type { Carried } from '../../src/redis/scripts/publish.ts';

export const publication = (
  data: unknown,
  channel = '/x',
  more: Omit<Publication, 'event'> = {},
): Publication => ({ event: new OutgoingEvent({ channel, data }), ...more });

/** A node on Redis, and what it was brought. */
export class TestNode {
  readonly node: RedisNode;
  readonly got: unknown[] = [];
  readonly delivered: (Publication & { readonly stored: Stored | undefined })[] = [];
  readonly told: string[] = [];
  readonly gaps: MailboxGap[] = [];
  readonly states: string[] = [];
  readonly failures: unknown[] = [];
  readonly births = new Set<string>();
  /** What each beat said of nodes that have to be swept. */
  readonly due: (readonly string[])[] = [];
  readonly wanted = new Set<string>();
  readonly places: Listing[] = [];
  restarts = 0;

  constructor(
    name: string,
    to: string | Dial,
    options: Partial<RedisNodeOptions> & { readonly namespace: string },
  ) {
    const side: RedisNodeSide = {
      deliver: (one, stored) => {
        this.got.push(one.event.message.data);
        this.delivered.push({ ...one, stored });
      },
      told: (text) => void this.told.push(text),
      missed: (gap) => void this.gaps.push(gap),
      restarted: () => {
        this.restarts += 1;
      },
      state: (state) => {
        if (this.states.at(-1) !== state) this.states.push(state);
      },
      beaten: ({ birth, due }) => {
        this.births.add(birth);
        this.due.push(due);
      },
      failed: (error) => void this.failures.push(error),
      interests: () => this.wanted,
      places: () => this.places,
      attended() {},
      changed() {},
    };
    this.node = new RedisNode({
      dial: typeof to === 'string' ? nodeRedis(createClient({ url: to })) : to,
      clock: systemClock,
      node: name,
      timeout: 300,
      keepMs: 60_000,
      lease: () => ({ formats: [1, 1] }),
      side,
      ...options,
    });
    onTestFinished(() => this.node.close());
  }

  static async open(
    name: string,
    to: string | Dial,
    options: Partial<RedisNodeOptions> & { readonly namespace: string },
    ...patterns: string[]
  ): Promise<TestNode> {
    const node = new TestNode(name, to, options);
    await node.node.open();
    await Promise.all(patterns.map((pattern) => node.wants(pattern)));
    return node;
  }

  wants(pattern: string): Promise<void> {
    this.wanted.add(pattern);
    return this.node.interest(pattern, true);
  }

  publish(data: unknown, channel?: string, how?: Pick<Carried, 'durable' | 'toNodes'>) {
    return this.node.publish(publication(data, channel), how);
  }

  /** The name of the error, or `accepted`. */
  outcome(data: unknown, channel?: string): Promise<string> {
    return this.publish(data, channel).then(
      () => 'accepted',
      (error: unknown) => (error instanceof Error ? error.name : String(error)),
    );
  }
}
