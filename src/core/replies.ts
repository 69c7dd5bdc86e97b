import { BayeuxError, errors } from '../protocol/errors.ts';
import type { Reply, ReplyFields, Request } from '../protocol/message.ts';
import { AcceptedReply, OutgoingReply } from '../protocol/outgoing.ts';
import type { Timing } from '../ports/transport.ts';
import { type AdviceKind, type Advisor, adviceAfter } from './advice.ts';
import type { Transports } from './transports.ts';
import type { Log } from '../lib/log.ts';
import { andThen, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import type { Conduit, TransportName } from '../ports/conduit.ts';
import type { HookedSession, Hooks } from './hooks.ts';

/** The fields about the server in each handshake reply, successful or not (HS-5, HS-7). */
export interface Greeting {
  readonly version: '1.0';
  readonly minimumVersion: '1.0';
  /** Enabled transports that clients can use now: WebSockets need an attached HTTP server. */
  readonly supportedConnectionTypes: readonly string[];
}

/** The part of a session that replies need. */
export interface RepliedSession extends HookedSession {
  readonly clientId: string;
  timing(transport: TransportName): Timing;
}

/** The fields of the reply to a publish of which there is nothing more to say. */
export const accepted: ReplyFields = Object.freeze({ successful: true });

const over: Reply = { channel: '/meta/disconnect', successful: true };
const overRequest: Request = { kind: 'disconnect', channel: '/meta/disconnect' };

/** The parts of the server that replies need. */
export interface ReplyParts {
  readonly advisor: Advisor;
  readonly transports: Transports;
  readonly hooks: Hooks;
  readonly log: Log;
}

/** Makes replies: exactly one for each request (MSG-5). */
export class Replies {
  #greeting: Greeting;
  readonly #advisor: Advisor;
  readonly #transports: Transports;
  readonly #hooks: Hooks;
  readonly #log: Log;

  constructor({ advisor, transports, hooks, log }: ReplyParts) {
    this.#advisor = advisor;
    this.#transports = transports;
    this.#hooks = hooks;
    this.#log = log;
    this.#greeting = {
      version: '1.0',
      minimumVersion: '1.0',
      supportedConnectionTypes: transports.offered,
    };
  }

  get greeting(): Greeting {
    return this.#greeting;
  }

  /** Call this when the list of offered transports has changed. */
  renewGreeting(): void {
    this.#greeting = { ...this.#greeting, supportedConnectionTypes: this.#transports.offered };
  }

  /** The reply to send: with the id and channel of its request, and as changed by extensions. */
  finish(
    request: Request,
    fields: ReplyFields,
    session: RepliedSession | undefined,
    conduit: Conduit,
  ): MaybePromise<OutgoingReply> {
    const { id, channel } = request;
    const lists = session?.hookLists ?? this.#hooks.lists;
    const extensions = (request.ext === undefined ? lists.outgoingPlain : lists.outgoing)[request.kind];
    if (fields === accepted && extensions.length === 0 && channel !== undefined)
      return new AcceptedReply(id, channel);
    // MSG-12: publish replies and failures never carry the clientId.
    const named = fields.successful && session !== undefined && request.kind !== 'publish';
    const reply = named ? { id, channel, clientId: session.clientId, ...fields } : { id, channel, ...fields };
    try {
      const made = extensions.length > 0 ? this.#hooks.outgoing(reply, session, request, extensions) : reply;
      if (made === reply && request.kind !== 'handshake') return new OutgoingReply(reply);
      return isPromise(made)
        ? made.then(readable).catch((error: unknown) => this.#unreadable(error, request, session, conduit))
        : readable(made);
    } catch (error) {
      return this.#unreadable(error, request, session, conduit);
    }
  }

  // The extension produced a reply that cannot be sent: an error is sent instead.
  #unreadable(
    error: unknown,
    request: Request,
    session: RepliedSession | undefined,
    conduit: Conduit,
  ): OutgoingReply {
    const { id, channel } = request;
    return new OutgoingReply({ id, channel, ...this.failed(request, error, session, conduit) });
  }

  /** The message that tells a client that the server ended its session (DC-6), as changed by extensions. */
  notice(session: RepliedSession): MaybePromise<OutgoingReply> {
    const extensions = session.hookLists.outgoingPlain.disconnect;
    return recover(
      () => andThen(this.#hooks.outgoing(over, session, overRequest, extensions), readable),
      () => new OutgoingReply(over),
    );
  }

  /**
   * The fields of a failed reply. `adviceOverride` replaces the usual advice. An error that is no
   * `BayeuxError` is a bug: it is logged, and the client gets `500::server_error`.
   */
  failed(
    request: Request,
    error: unknown,
    session: RepliedSession | undefined,
    conduit: Conduit,
    adviceOverride?: AdviceKind,
  ): ReplyFields {
    if (!(error instanceof BayeuxError)) {
      this.#log({ level: 'error', event: 'request.failed', channel: request.channel, error });
      return this.failed(request, errors.serverError(), session, conduit);
    }
    const advice = adviceOverride ?? adviceAfter(request.channel, error);
    const timing = session?.timing(conduit.transport) ?? this.#transports.timing(conduit.transport);
    return {
      successful: false,
      ...(request.channel === '/meta/handshake' && this.#greeting),
      ...('subscription' in request && { subscription: request.subscription }),
      error: error.text,
      ...(advice !== undefined && { advice: this.#advisor.advise(advice, timing) }),
      ...(error.ext !== undefined && { ext: error.ext }),
    };
  }
}

// Serialised here, so that only this reply fails if an extension added something that JSON cannot carry.
function readable(reply: Reply): OutgoingReply {
  const made = new OutgoingReply(reply);
  void made.json;
  return made;
}
