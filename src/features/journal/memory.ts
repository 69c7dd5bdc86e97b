import type { EndedSession, Lost, Refused, Subscribed } from './facts.ts';
import type { Followed } from './followed.ts';
import { Publishes } from './publishes.ts';
import { bytesOfText, NOTE, Ring } from './ring.ts';

/** A note of a session, which stands there by its number. */
type Numbered<Note> = Omit<Note, 'session'> & { readonly number: number };

/** A refusal that may come again. */
export type Refusal = { -readonly [Name in keyof Refused]: Refused[Name] };

export type EndedNote = EndedSession & { readonly number: number };
export type LostNote = Numbered<Lost>;
export type SubscribedNote = Numbered<Subscribed>;

/** All that the journal remembers, within `maxBytes`. */
export class Memory {
  readonly publishes: Publishes;
  readonly refused: Ring<Refusal>;
  readonly lost: Ring<LostNote>;
  readonly ended: Ring<EndedNote>;
  readonly subscribed: Ring<SubscribedNote>;
  /** Open sessions, by their public id and by their number. */
  readonly followed = new Map<string, Followed>();
  readonly numbered = new Map<number, Followed>();

  constructor(maxBytes: number) {
    // The rest is for the lists themselves, which grow by half.
    const eighth = (maxBytes * 7) / 64;
    this.publishes = new Publishes(4 * eighth);
    this.refused = new Ring(eighth, bytesOfRefusal);
    this.lost = new Ring(eighth, ({ channel }) => NOTE + bytesOfText(channel));
    this.ended = new Ring(eighth, ({ session, user }) => NOTE + bytesOfText(session) + bytesOfText(user));
    this.subscribed = new Ring(eighth, ({ pattern }) => NOTE + bytesOfText(pattern));
  }

  follow(followed: Followed): void {
    this.followed.set(followed.session.id, followed);
    this.numbered.set(followed.number, followed);
  }

  unfollow({ number, session }: Followed): void {
    this.followed.delete(session.id);
    this.numbered.delete(number);
  }

  /** The number of an open session, by its public id; 0 if it is not open. */
  numberOf(session: string): number {
    return this.followed.get(session)?.number ?? 0;
  }
}

function bytesOfRefusal({ event, option, why, channel, reply, session }: Refusal): number {
  return [event, option, why, channel, reply, session].reduce((sum, text) => sum + bytesOfText(text), NOTE);
}
