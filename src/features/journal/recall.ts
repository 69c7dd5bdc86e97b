import type { Clock } from '../../lib/clock.ts';
import type { ServedSession } from '../../ports/feature.ts';
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

/** Public ids of sessions, by number. */
type Ids = ReadonlyMap<number, string>;

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
  about(question: Question): Omit<ChannelFacts, 'isReserved'> {
    const { channel } = question;
    const { refused, lost, subscribed } = this.#memory;
    const open = this.#openOf(question);
    const ended = this.#select(this.#memory.ended, ({ session, user }) => isAbout(question, session, user));
    const ids: Ids = new Map(
      [...open.map(({ number, session }) => ({ number, session: session.id })), ...ended].map(
        ({ number, session }) => [number, session],
      ),
    );
    const named = <Note extends Numbered>(note: Note) => ({ ...note, session: ids.get(note.number) ?? '' });
    return {
      now: this.#clock.now(),
      since: Math.max(this.#since, this.#oldest),
      question,
      open: open.map((followed) => openSession(followed, channel)),
      ended,
      refused: this.#select(refused, () => true, LOOKED_AT),
      lost: this.#select(lost, (note) => ids.has(note.number) && note.channel === channel).map(named),
      subscribed: this.#select(subscribed, ({ number }) => ids.has(number), LOOKED_AT).map(named),
      ...this.#publishesTo(channel, ids),
    };
  }

  get #oldest(): number {
    return this.#clock.now() - this.#maxAge;
  }

  #openOf(question: Question): readonly Followed[] {
    const open: Followed[] = [];
    for (const followed of this.#memory.followed.values()) {
      const { id, user } = followed.session;
      if (isAbout(question, id, user?.id)) open.push(followed);
      if (open.length === TOLD) break;
    }
    return open;
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

  #publishesTo(channel: string, ids: Ids): Pick<ChannelFacts, 'publishes' | 'toOthers' | 'alike'> {
    const publishes: Publish[] = [];
    let toOthers: KnownPublish | undefined;
    const alike = new Set<string>();
    const small = channel.toLowerCase();
    const isAlike = (other: string) => other.length === channel.length && other.toLowerCase() === small;
    for (const known of this.#memory.publishes.newest(LOOKED_AT, isAlike)) {
      if (publishes.length === TOLD || known.at < this.#oldest) break;
      if (known.channel !== channel) alike.add(known.channel);
      else if (known.isNamed && !mayName(known, ids)) toOthers ??= known;
      else publishes.push(this.#told(known));
    }
    return { publishes, toOthers: toOthers && this.#told(toOthers), alike: [...alike] };
  }

  #told(known: KnownPublish): Publish {
    const publisher = known.publisher === 0 ? undefined : this.#whoOf(known.publisher);
    return {
      ...known,
      publisher,
      receivers: known.receivers.map((receiver) => this.#receiver(receiver, known.id)),
    };
  }

  #receiver({ session: number, fates }: KnownReceiver, id: number): Receiver {
    const open = this.#open(number);
    const isLost = (note: Numbered & { readonly publish: number | undefined }) =>
      note.number === number && note.publish === id;
    return {
      ...this.#whoOf(number),
      fates,
      isWaiting: open?.outbox.all.some(({ publishId }) => publishId === id) ?? false,
      lostBy: this.#select(this.#memory.lost, isLost, 1)[0]?.cause,
      ended: open === undefined ? this.#ended(number) : undefined,
    };
  }

  #whoOf(number: number): Who {
    const open = this.#open(number);
    if (open !== undefined) return { session: open.id, user: open.user?.id };
    return this.#ended(number) ?? { session: '(forgotten)' };
  }

  #open(number: number): ServedSession | undefined {
    return this.#memory.numbered.get(number)?.session;
  }

  #ended(number: number): EndedSession | undefined {
    return this.#select(this.#memory.ended, (note: EndedNote) => note.number === number, 1)[0];
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

interface Numbered {
  readonly number: number;
}

function isAbout({ session, user }: Question, id: string, of: string | undefined): boolean {
  return id === session || (user !== undefined && of === user);
}

// Not all receivers are known one by one.
function mayName({ receivers, matched }: KnownPublish, ids: Ids): boolean {
  return matched > receivers.length || receivers.some(({ session }) => ids.has(session));
}

function openSession({ session, brought }: Followed, channel: string): OpenSession {
  const { id, user, state, carrier, subscriptions, outbox } = session;
  return {
    ...{ session: id, user: user?.id, state, isThere: carrier !== undefined, patterns: [...subscriptions] },
    waiting: outbox.all.filter((event) => event.channel === channel).length,
    broughtAt: brought?.channel === channel ? brought.at : undefined,
  };
}
