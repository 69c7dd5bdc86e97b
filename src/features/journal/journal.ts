import type { Clock } from '../../lib/clock.ts';
import type { CloseReason } from '../../ports/conduit.ts';
import type { Publication } from '../../ports/engine.ts';
import type { Feature, FeatureHook, FeatureHost, Loss } from '../../ports/feature.ts';
import type { RefusalNotes } from '../../ports/refusal-notes.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Explanation } from './finding.ts';
import { explainChannel } from './explain-channel.ts';
import { explainPublish } from './explain-publish.ts';
import type { Question } from './facts.ts';
import { Followed, type FollowedOwner } from './followed.ts';
import { Memory } from './memory.ts';
import type { JournalOptions } from './options.ts';
import { type Fate, fates } from './publishes.ts';
import { Recall } from './recall.ts';
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
  #isReserved = (_channel: string): boolean => false;

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
    return explainChannel({
      ...this.#recall.about(question),
      isReserved: this.#isReserved(question.channel),
    });
  }

  start(host: FeatureHost): void {
    host.hearRefusals(this.#refused);
    this.#isReserved = (channel) => host.rightTo(channel) !== channel;
  }

  readonly attach: FeatureHook<'attach'> = (session) => {
    this.#sessions += 1;
    const followed = new Followed(this.#sessions, session, this);
    this.#memory.follow(followed);
    return [followed];
  };

  readonly arriving: FeatureHook<'arriving'> = (event, receivers, publication) => {
    const memory = this.#memory;
    const id = this.#idOf(event, publication);
    event.publishId = id;
    if (receivers.length === 0) return;
    const isOther = publication?.notToPublisher === true;
    const others = isOther ? receivers.filter((session) => session.id !== publication.from) : receivers;
    memory.publishes.matched(id, others.length, (at) => memory.numberOf(others[at]?.id ?? ''));
  };

  now(): number {
    return this.#clock.now();
  }

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

  closed(followed: Followed, reason: CloseReason): void {
    const { number, session } = followed;
    const { id, user } = session;
    const name = user === undefined ? {} : { user: copied(user.id) };
    this.#memory.unfollow(followed);
    this.#memory.ended.add({ at: this.#clock.now(), number, session: id, ...name, reason });
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

  // An event that names its receivers may arrive several times, for some of them each.
  #idOf({ publishId, channel, replayId }: OutgoingEvent, publication: Publication | undefined): number {
    const { publishes } = this.#memory;
    if (publishId !== undefined && publishes.has(publishId)) return publishId;
    const from = publication?.from;
    const publisher = from === undefined ? 0 : this.#memory.numberOf(from);
    return publishes.add(
      this.#clock.now(),
      channel,
      publisher,
      publication === undefined,
      replayId !== undefined,
    );
  }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? copied(value) : undefined;
