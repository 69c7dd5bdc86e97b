import type { Request } from '../protocol/message.ts';
import type { OutgoingReply } from '../protocol/outgoing.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { Context, Core } from './context.ts';
import type { Carried, Session } from './session.ts';

/** One batch and its answer: gathers the replies, and which session the response belongs to. */
export class Exchange implements Context {
  readonly requests: readonly Request[];
  readonly conduit: Conduit;
  readonly core: Core;
  readonly #chosen: Request | undefined;
  #handshake: OutgoingReply | undefined;
  readonly #others: OutgoingReply[] = [];
  #opened: Session | undefined;
  #connecting: Session | undefined;
  #first: Session | undefined;
  #afterwards: (() => void)[] | undefined;

  constructor(requests: readonly Request[], conduit: Conduit, core: Core) {
    this.requests = requests;
    this.conduit = conduit;
    this.core = core;
    this.#chosen = requests.find(isHandshake);
  }

  get alone(): boolean {
    return this.requests.length === 1;
  }

  /** HS-3: a handshake is alone; beside it nothing is carried out. */
  isMisplaced(request: Request): boolean {
    return this.#chosen !== undefined && request !== this.#chosen;
  }

  /** Notes whose message was resolved. */
  resolved(session: Session, connecting: boolean): void {
    this.#first ??= session;
    if (connecting) this.#connecting ??= session;
  }

  opened(session: Session): void {
    this.#opened = session;
  }

  /** Notes the reply to a request; there is none yet to a connect that is held. */
  add(reply: OutgoingReply | undefined, request: Request): void {
    if (reply === undefined) return;
    if (request === this.#chosen) this.#handshake = reply;
    else this.#others.push(reply);
  }

  afterwards(call: () => void): void {
    this.#afterwards ??= [];
    this.#afterwards.push(call);
  }

  /** The response was written, or never will be. */
  close(): void {
    const calls = this.#afterwards ?? [];
    this.#afterwards = undefined;
    for (const call of calls) call();
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

function isHandshake({ kind }: Request): boolean {
  return kind === 'handshake';
}
