import fc from 'fast-check';
import { GapReply } from '../../src/core/delivery/gaps.ts';
import type { PlainOutbox } from '../../src/core/delivery/plain-outbox.ts';
import type { Gap } from '../../src/ports/gap.ts';
import { OutgoingEvent, type OverflowRule } from '../../src/ports/outgoing-event.ts';
import { type Limits, plainOutbox, roomy } from './contracts/outbox.ts';

/** What may happen to an outbox. What was sent arrives in order, or the connection breaks and all that has not goes back. */
export type Step =
  | {
      readonly do: 'push';
      readonly channel: number;
      readonly key: number;
      readonly lazy: boolean;
      readonly volatile: boolean;
      readonly replayed: boolean;
    }
  | { readonly do: 'take'; readonly count: number; readonly bytes: number; readonly reply: boolean }
  | { readonly do: 'arrive' | 'break' }
  | { readonly do: 'wait'; readonly ms: number };

const { constant, boolean, integer, record, oneof, constantFrom } = fc;
const seldom = fc.integer({ min: 0, max: 7 }).map((one) => one === 0);

export const schedules: fc.Arbitrary<Step[]> = fc.array(
  oneof(
    {
      weight: 8,
      arbitrary: record({
        do: constant('push' as const),
        channel: integer({ min: 0, max: 3 }),
        key: integer({ min: 0, max: 2 }),
        lazy: boolean(),
        volatile: seldom,
        replayed: seldom,
      }),
    },
    {
      weight: 4,
      arbitrary: record({
        do: constant('take' as const),
        count: oneof(constant(Number.POSITIVE_INFINITY), integer({ min: 0, max: 4 })),
        bytes: constantFrom(1, 120, Number.POSITIVE_INFINITY),
        reply: boolean(),
      }),
    },
    { weight: 3, arbitrary: record({ do: constant('arrive' as const) }) },
    { weight: 2, arbitrary: record({ do: constant('break' as const) }) },
    { weight: 1, arbitrary: record({ do: constant('wait' as const), ms: integer({ min: 1, max: 20 }) }) },
  ),
  { maxLength: 80 },
);

export const bounds: fc.Arbitrary<Partial<OverflowRule>> = record({
  maxEvents: oneof(constant(undefined), integer({ min: 1, max: 5 })),
  maxBytes: oneof(constant(undefined), integer({ min: 50, max: 400 })),
  maxAge: oneof(constant(undefined), integer({ min: 1, max: 20 })),
});

/** A batch on its way. */
interface Batch {
  readonly events: readonly OutgoingEvent[];
  readonly reply: GapReply | undefined;
}

/** What one client is to receive on one channel: a number for an event, its gap before it. */
export type Received = number | { readonly gap: Gap };

const dataOf = ({ message }: OutgoingEvent): { readonly at: number; readonly key: number } =>
  JSON.parse(JSON.stringify(message.data));

/** An outbox, what was published to it, and what its client received. */
export class Model {
  readonly outbox: PlainOutbox;
  /** Of each channel, in order: numbers from 1. */
  readonly published = new Map<string, number[]>();
  readonly received = new Map<string, Received[]>();
  /** Of each channel and key, the last one published. */
  readonly latest = new Map<string, number>();
  /** Volatile events that were queued and not taken: once all is taken, those that were dropped, which no gap counts. */
  volatile = 0;
  /** Events dropped, as the server is told. */
  dropped = 0;
  /** Whether anything was put back since all was taken. */
  #isBack = false;
  #now = 1000;
  readonly #way: Batch[] = [];
  readonly #rules: readonly (OverflowRule | undefined)[];

  /** `rules` by the number of the channel. */
  constructor(limits: Partial<Limits>, rules: readonly (OverflowRule | undefined)[]) {
    this.#rules = rules;
    const all: Limits = {
      ...roomy,
      now: () => this.#now,
      onOverflow: limits.onOverflow ?? 'dropNewest',
      overflow: () => {
        this.dropped += 1;
      },
      ...(limits.maxQueue !== undefined && { maxQueue: limits.maxQueue }),
      ...(limits.maxQueueBytes !== undefined && { maxQueueBytes: limits.maxQueueBytes }),
    };
    this.outbox = plainOutbox(all);
  }

  run(step: Step): void {
    if (step.do === 'push') this.#push(step);
    else if (step.do === 'take') this.#take(step.count, step.bytes, step.reply);
    else if (step.do === 'arrive') this.#arrive(this.#way.shift());
    else if (step.do === 'wait') this.#now += step.ms;
    else this.#break();
  }

  /** All that is left arrives, and a connect reply. */
  calmDown(): void {
    while (this.#way.length > 0) this.#arrive(this.#way.shift());
    for (let more = 0; more < 2; more += 1) {
      this.#take(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, true);
      this.#arrive(this.#way.shift());
    }
  }

  #push({ channel: number, key, lazy, volatile, replayed }: Extract<Step, { do: 'push' }>): void {
    const channel = `/${number}`;
    const all = list(this.published, channel);
    const isCounted = !replayed && !volatile;
    const at = isCounted ? all.length + 1 : -1;
    if (isCounted) {
      all.push(at);
      this.latest.set(`${channel} ${key}`, at);
    }
    if (volatile) this.volatile += 1;
    const overflow = this.#rules[number];
    const how = { lazy, volatile, replayed, overflow, replayId: 1000 * number + at };
    this.outbox.push(new OutgoingEvent({ channel, data: { at, key } }, how));
  }

  #take(count: number, bytes: number, wantsReply: boolean): void {
    const events = this.outbox.take(bytes, count);
    for (const event of events) if (event.volatile) this.volatile -= 1;
    if (this.outbox.size === 0 && !this.#isBack) this.#check(events);
    if (this.outbox.size === 0) this.#isBack = false;
    const tells = wantsReply && this.outbox.hasGaps;
    const reply = tells
      ? new GapReply(
          { channel: '/meta/connect', successful: true },
          this.outbox.takeGaps(Number.POSITIVE_INFINITY),
        )
      : undefined;
    this.#way.push({ events, reply });
  }

  #arrive(batch: Batch | undefined): void {
    for (const event of batch?.events ?? []) {
      const received = list(this.received, event.message.channel);
      if (event.gap !== undefined) received.push({ gap: event.gap });
      if (!event.replayed && !event.volatile) received.push(dataOf(event).at);
    }
    for (const [channel, gap] of batch?.reply?.gaps ?? []) list(this.received, channel).push({ gap });
  }

  #break(): void {
    for (let batch = this.#way.pop(); batch !== undefined; batch = this.#way.pop()) {
      if (batch.reply !== undefined) this.outbox.putBackGaps(batch.reply.gaps);
      const back = batch.events.filter(({ volatile }) => !volatile);
      this.outbox.putBack(back);
      this.#isBack ||= back.length > 0;
    }
  }

  // What waited was within all bounds, but for what the server adds of its own.
  #check(events: readonly OutgoingEvent[]): void {
    for (const rule of new Set(this.#rules)) {
      const mine = events.filter(({ overflow, replayed }) => overflow === rule && !replayed);
      const bytes = mine.reduce(
        (sum, event) => sum + new OutgoingEvent({ ...event.message, ext: {} }).bytes - 9,
        0,
      );
      const aged = mine.filter(
        ({ since }) => since !== undefined && this.#now - since > (rule?.maxAge ?? 1e9),
      );
      if (rule === undefined) continue;
      if (mine.length > (rule.maxEvents ?? 1e9)) throw new Error(`${mine.length} waited`);
      if (bytes > (rule.maxBytes ?? 1e9)) throw new Error(`${bytes} bytes waited`);
      if (aged.length > 0) throw new Error('one waited for too long');
    }
  }
}

/** The list in a map, made when it is not there. */
export function list<Item>(lists: Map<string, Item[]>, name: string): Item[] {
  const found = lists.get(name) ?? [];
  lists.set(name, found);
  return found;
}
