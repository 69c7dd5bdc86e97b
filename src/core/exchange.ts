import type { OutgoingReply } from '../protocol/outgoing.ts';
import type { Conduit } from './conduit.ts';
import type { Carried, Session } from './session.ts';

/** One batch and its answer: gathers the replies, and which session the response belongs to. */
export class Exchange {
  readonly conduit: Conduit;
  readonly alone: boolean;
  #handshake: OutgoingReply | undefined;
  readonly #others: OutgoingReply[] = [];
  #opened: Session | undefined;
  #connecting: Session | undefined;
  #first: Session | undefined;
  #afterwards: (() => void)[] | undefined;

  constructor(conduit: Conduit, alone: boolean) {
    this.conduit = conduit;
    this.alone = alone;
  }

  /** Notes whose message was resolved. */
  resolved(session: Session, connecting: boolean): void {
    this.#first ??= session;
    if (connecting) this.#connecting ??= session;
  }

  opened(session: Session): void {
    this.#opened = session;
  }

  add(reply: OutgoingReply, isHandshake: boolean): void {
    if (isHandshake && this.#handshake === undefined) this.#handshake = reply;
    else this.#others.push(reply);
  }

  /** Has something done when the response was written, or never will be. */
  afterwards(call: () => void): void {
    this.#afterwards ??= [];
    this.#afterwards.push(call);
  }

  /** The response was written, or never will be. */
  close(): void {
    for (const call of this.#afterwards ?? []) call();
  }

  /** Writes the response; nothing when all that came is a connect that is held. */
  answer(): void {
    const handshake = this.#handshake;
    const replies = handshake === undefined ? this.#others : [handshake, ...this.#others];
    if (replies.length === 0) return;
    // PR-3: events of one session only, the first that connects, else the first that spoke.
    const session = this.#opened ?? this.#connecting ?? this.#first;
    if (session === undefined) this.conduit.send(replies);
    else session.respond(this.conduit, replies, this.#carried(replies));
    // WS-8: from here on, since nothing may come before the reply that names the session.
    if (this.conduit.shape === 'socket') this.#opened?.attach(this.conduit);
  }

  // A connect that failed is no connect reply to rely on: what only those may carry goes on waiting for the next one.
  #carried(replies: readonly OutgoingReply[]): Carried {
    if (this.#opened !== undefined) return 'handshake';
    const connects = replies.some(({ message }) => message.channel === '/meta/connect' && message.successful);
    return connects && this.#connecting !== undefined ? 'connect' : 'other';
  }
}
