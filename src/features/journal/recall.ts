import type { Clock } from '../../lib/clock.ts';
import type { ServedSession } from '../../ports/feature.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type {
  ChannelFacts,
  EndedSession,
  OpenSession,
  Publish,
  PublishFacts,
  Question,
  Receiver,
  Who,
} from './facts.ts';
import type { Followed } from './followed.ts';
import type { EndedNote, Memory } from './memory.ts';
import type { KnownPublish, KnownReceiver } from './publishes.ts';
import type { Ring } from './ring.ts';

/** Most entries of a list in an answer. */
const TOLD = 20;
/** Most publishes, and most sessions, that one question looks at. */
const LOOKED_AT = 100_000;
/** Most patterns that are compared with a channel that nobody subscribes to. */
const PATTERNS = 1000;

const LAZY = 1;
const VOLATILE = 2;

/** How an event is delivered, as one number. */
export function handlingOf({ lazy, volatile }: OutgoingEvent): number {
  return (lazy === false ? 0 : LAZY) | (volatile ? VOLATILE : 0);
}

/** Finds in the memory of a journal what belongs to a question. */
export class Recall {
  readonly #memory: Memory;
  readonly #clock: Clock;
  readonly #maxAge: number;
  readonly #since: number;

  constructor(memory: Memory, clock: Clock, maxAge: number) {
    this.#memory = memory;
    this.#clock = clock;
    this.#maxAge = maxAge;
    this.#since = clock.now();
  }

  /** What is known of a publish; undefined if it is forgotten, or never was. */
  publish(id: number): PublishFacts | undefined {
    const known = this.#memory.publishes.find(id);
    if (known === undefined || known.at < this.#oldest) return undefined;
    return { now: this.#clock.now(), publish: this.#told(known), patterns: this.#patterns() };
  }

  /** What is known of a channel and a session or user. */
  about(question: Question): ChannelFacts {
    const { memory, open, ended } = { memory: this.#memory, ...this.#sessionsOf(question) };
    const ids = new Map([
      ...open.map(({ number, session }) => [number, session.id] as const),
      ...idsOf(ended),
    ]);
    const isTheirs = ({ number }: { readonly number: number }) => ids.has(number);
    const named = <Note extends { readonly number: number }>(note: Note) => {
      return { ...note, session: ids.get(note.number) ?? '' };
    };
    const isLost = (note: { readonly number: number; readonly channel: string }) =>
      isTheirs(note) && note.channel === question.channel;
    return {
      ...{ now: this.#clock.now(), since: Math.max(this.#since, this.#oldest), question, ended },
      open: open.map(({ session }) => openSession(session, question.channel)),
      refused: this.#select(memory.refused, () => true, LOOKED_AT),
      lost: this.#select(memory.lost, isLost).map(named),
      subscribed: this.#select(memory.subscribed, isTheirs, LOOKED_AT).map(named),
      ...this.#publishesTo(question.channel),
    };
  }

  get #oldest(): number {
    return this.#clock.now() - this.#maxAge;
  }

  #sessionsOf({ session, user }: Question): { open: readonly Followed[]; ended: readonly EndedNote[] } {
    const isOne = (id: string, of: string | undefined) =>
      id === session || (user !== undefined && of === user);
    const open: Followed[] = [];
    for (const followed of this.#memory.followed.values()) {
      if (isOne(followed.session.id, followed.session.user?.id)) open.push(followed);
      if (open.length === TOLD) break;
    }
    return { open, ended: this.#select(this.#memory.ended, (note) => isOne(note.session, note.user)) };
  }

  #select<Note extends { readonly at: number }>(
    ring: Ring<Note>,
    isWanted: (note: Note) => boolean,
    most = TOLD,
  ): Note[] {
    const found: Note[] = [];
    for (const note of ring.newest()) {
      if (note.at >= this.#oldest && isWanted(note)) found.push(note);
      if (found.length === most) break;
    }
    return found;
  }

  #publishesTo(channel: string): Pick<ChannelFacts, 'publishes' | 'alike'> {
    const publishes: Publish[] = [];
    const alike = new Set<string>();
    const small = channel.toLowerCase();
    let left = LOOKED_AT;
    for (const known of this.#memory.publishes.newest()) {
      left -= 1;
      if (left === 0 || publishes.length === TOLD || known.at < this.#oldest) break;
      if (known.channel === channel) publishes.push(this.#told(known));
      else if (known.channel.length === channel.length && known.channel.toLowerCase() === small)
        alike.add(known.channel);
    }
    return { publishes, alike: [...alike] };
  }

  #told(known: KnownPublish): Publish {
    const { id, at, channel, handling, matched, counts } = known;
    const publisher = known.publisher === 0 ? undefined : this.#whoOf(known.publisher);
    return {
      ...{ id, at, channel, matched, counts, ...(publisher !== undefined && { publisher }) },
      isLazy: (handling & LAZY) !== 0,
      isVolatile: (handling & VOLATILE) !== 0,
      receivers: known.receivers.map((receiver) => this.#receiver(receiver, id)),
    };
  }

  #receiver({ session: number, fates }: KnownReceiver, id: number): Receiver {
    const open = this.#open(number);
    const ended = open === undefined ? this.#ended(number) : undefined;
    const lost = this.#select(
      this.#memory.lost,
      (note) => note.number === number && note.publish === id,
      1,
    )[0];
    return {
      ...this.#whoOf(number),
      fates,
      isWaiting: open?.outbox.all.some(({ publishId }) => publishId === id) ?? false,
      ...(lost !== undefined && { lostBy: lost.cause }),
      ...(ended !== undefined && { ended }),
    };
  }

  #whoOf(number: number): Who {
    const open = this.#open(number);
    if (open !== undefined) return { session: open.id, user: open.user?.id };
    return this.#ended(number) ?? { session: '(forgotten)' };
  }

  #open(number: number): ServedSession | undefined {
    for (const followed of this.#memory.followed.values())
      if (followed.number === number) return followed.session;
    return undefined;
  }

  #ended(number: number): EndedSession | undefined {
    return this.#select(this.#memory.ended, (note) => note.number === number, 1)[0];
  }

  #patterns(): readonly string[] {
    const patterns = new Set<string>();
    let left = LOOKED_AT;
    for (const { session } of this.#memory.followed.values()) {
      for (const pattern of session.subscriptions) patterns.add(pattern);
      left -= 1;
      if (left === 0 || patterns.size >= PATTERNS) break;
    }
    return [...patterns];
  }
}

function openSession(
  { id, user, state, subscriptions, outbox }: ServedSession,
  channel: string,
): OpenSession {
  return {
    ...{ session: id, user: user?.id, state, patterns: [...subscriptions] },
    waiting: outbox.all.filter((event) => event.channel === channel).length,
  };
}

const idsOf = (ended: readonly EndedNote[]) => ended.map(({ number, session }) => [number, session] as const);
