import { BayeuxError, errors } from '../protocol/errors.ts';
import type { Reply, Request } from '../protocol/message.ts';
import { OutgoingReply } from '../protocol/outgoing.ts';
import type { AdviceKind, Advisor } from './advice.ts';
import { adviceAfter } from './failure.ts';
import type { Log } from '../lib/log.ts';
import { andThen, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import type { Pipeline } from './pipeline.ts';
import type { Session } from './session.ts';
import type { Timing } from './timing.ts';

/** A reply without what it repeats of its request. */
export type ReplyFields = Omit<Reply, 'id' | 'channel'>;

/** What a handshake reply says of the server, whether it succeeded or not (HS-5, HS-7). */
export interface Greeting {
  readonly version: '1.0';
  readonly minimumVersion: '1.0';
  /** The transports that are enabled and can be used: a WebSocket needs an HTTP server to come by. */
  readonly supportedConnectionTypes: readonly string[];
}

const over: Reply = { channel: '/meta/disconnect', successful: true };
const overRequest: Request = { kind: 'disconnect', channel: '/meta/disconnect' };

/** Makes replies: exactly one for each request (MSG-5). */
export class Replies {
  #greeting: Greeting;
  readonly #advisor: Advisor;
  readonly #pipeline: Pipeline;
  readonly #log: Log;

  constructor(advisor: Advisor, pipeline: Pipeline, log: Log, transports: readonly string[]) {
    this.#advisor = advisor;
    this.#pipeline = pipeline;
    this.#log = log;
    this.#greeting = { version: '1.0', minimumVersion: '1.0', supportedConnectionTypes: transports };
  }

  get greeting(): Greeting {
    return this.#greeting;
  }

  /** Changes the list of transports that are offered from now on. */
  offer(transports: readonly string[]): void {
    this.#greeting = { ...this.#greeting, supportedConnectionTypes: transports };
  }

  /** The reply as it leaves: with the id and channel of its request, and what extensions make of it. */
  finish(
    request: Request,
    fields: ReplyFields,
    session: Session | undefined,
    timing: Timing,
  ): MaybePromise<OutgoingReply> {
    const { id, channel } = request;
    // MSG-12: publish replies and failures never carry the clientId.
    const named = fields.successful && session !== undefined && request.kind !== 'publish';
    const reply = named ? { id, channel, clientId: session.clientId, ...fields } : { id, channel, ...fields };
    try {
      const made = this.#pipeline.outgoing(reply, session, request);
      if (made === reply && request.kind !== 'handshake') return new OutgoingReply(reply);
      return isPromise(made)
        ? made.then(readable).catch((error: unknown) => this.#spoilt(error, request, timing))
        : readable(made);
    } catch (error) {
      return this.#spoilt(error, request, timing);
    }
  }

  /** What tells a client, unasked, that its session is over (DC-6), and what extensions make of it. */
  notice(session: Session): MaybePromise<OutgoingReply> {
    return recover(
      () => andThen(this.#pipeline.outgoing(over, session, overRequest), readable),
      () => new OutgoingReply(over),
    );
  }

  // What an extension made of a reply cannot leave.
  #spoilt(error: unknown, request: Request, timing: Timing): OutgoingReply {
    const { id, channel } = request;
    return new OutgoingReply({ id, channel, ...this.failed(request, error, timing) });
  }

  /**
   * What the reply says when the request failed; `told` stands in for the advice that usually goes with it.
   * An error that is no `BayeuxError` is a bug: logged, and kept from the client.
   */
  failed(request: Request, error: unknown, timing: Timing, told?: AdviceKind): ReplyFields {
    if (!(error instanceof BayeuxError)) {
      this.#log({ level: 'error', event: 'request.failed', channel: request.channel, error });
      return this.failed(request, errors.serverError(), timing);
    }
    const advice = told ?? adviceAfter(request.channel, error);
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

// Made into text here, where what an extension put in and JSON cannot carry fails this one reply.
function readable(reply: Reply): OutgoingReply {
  const made = new OutgoingReply(reply);
  void made.json;
  return made;
}
