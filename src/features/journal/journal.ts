import type { Clock } from '../../lib/clock.ts';
import type { CloseReason } from '../../ports/conduit.ts';
import type { Feature, FeatureHook, FeatureHost, Loss, RefusalNotes } from '../../ports/feature.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Explanation } from './finding.ts';
import { explainChannel } from './explain-channel.ts';
import { explainPublish } from './explain-publish.ts';
import type { Question } from './facts.ts';
import { Followed, type FollowedOwner } from './followed.ts';
import { Memory } from './memory.ts';
import type { JournalOptions } from './options.ts';
import { type Fate, fates } from './publishes.ts';
import { handlingOf, Recall } from './recall.ts';
import { copied } from './ring.ts';

/** Refusals that a new one is compared with, so that a flood of one kind takes the room of one. */
const COMPARED = 8;

/** Remembers the latest publishes and what became of them, what was refused, and which sessions ended. */
export class Journal implements Feature, FollowedOwner {
  readonly name = 'journal';
  readonly #clock: Clock;
  readonly #memory: Memory;
  readonly #recall: Recall;
  #sessions = 0;

  constructor(options: JournalOptions, clock: Clock) {
    this.#clock = clock;
    this.#memory = new Memory(options.maxBytes);
    this.#recall = new Recall(this.#memory, clock, options.maxAge);
  }

  /** Tells what became of a publish; undefined if it is forgotten, or never was. */
  explain(publish: number): (Explanation & { readonly channel: string }) | undefined {
    const facts = this.#recall.publish(publish);
    return facts && { channel: facts.publish.channel, ...explainPublish(facts) };
  }

  /** Tells why a session or user gets events of a channel, or not. */
  answer(question: Question): Explanation {
    return explainChannel(this.#recall.about(question));
  }

  start(host: FeatureHost): void {
    host.hearRefusals(this.#refused);
  }

  readonly attach: FeatureHook<'attach'> = (session) => {
    this.#sessions += 1;
    const followed = new Followed(this.#sessions, session, this);
    this.#memory.followed.set(session.id, followed);
    return [followed];
  };

  readonly arriving: FeatureHook<'arriving'> = (event, { from, notToPublisher }, receivers) => {
    const { publishes } = this.#memory;
    const publisher = from === undefined ? 0 : this.#numberOf(from);
    event.publishId = publishes.add(this.#clock.now(), event.channel, publisher, handlingOf(event));
    if (receivers.length === 0) return;
    const others = notToPublisher === true ? receivers.filter(({ id }) => id !== from) : receivers;
    publishes.matched(others.length, (at) => this.#numberOf(others[at]?.id ?? ''));
  };

  happened(publish: number, { number }: Followed, fate: Fate, counts: boolean): void {
    this.#memory.publishes.note(publish, number, fates.indexOf(fate), counts);
  }

  lost({ publishId: publish, channel }: OutgoingEvent, { number }: Followed, why: Loss): void {
    const cause = typeof why === 'string' ? why : why.action;
    this.#memory.lost.add({ at: this.#clock.now(), publish, channel, number, cause });
  }

  subscribed(pattern: string, { number }: Followed, isOn: boolean): void {
    this.#memory.subscribed.add({ at: this.#clock.now(), number, pattern, isOn });
  }

  closed({ number, session: { id, user } }: Followed, reason: CloseReason): void {
    const { followed, ended } = this.#memory;
    followed.delete(id);
    const name = user === undefined ? {} : { user: copied(user.id) };
    ended.add({ at: this.#clock.now(), number, session: id, ...name, reason });
  }

  readonly #refused: RefusalNotes['note'] = (event, { option, why, channel, reply, session }, times = 1) => {
    const { refused } = this.#memory;
    const at = this.#clock.now();
    const made = {
      ...{ at, times, event, option, why: copied(why, 500) },
      ...{ channel: textOf(channel), reply: textOf(reply), session: textOf(session) },
    };
    for (const known of refused.newest(COMPARED)) {
      const isSame = known.event === event && known.why === made.why && known.session === made.session;
      if (!isSame || known.channel !== made.channel || known.reply !== made.reply) continue;
      known.at = at;
      known.times += times;
      return;
    }
    refused.add(made);
  };

  #numberOf(session: string): number {
    return this.#memory.followed.get(session)?.number ?? 0;
  }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? copied(value) : undefined;
