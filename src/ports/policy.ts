import type { Advice, JsonObject, ReadableRequest } from '../protocol/message.ts';
import type { RequestInfo } from './conduit.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Session } from './session.ts';
import type { GivenUser, User } from './user.ts';

/** A question to the policy. `session` is undefined at a handshake and for a publish without a session. */
export interface PolicyRequest {
  readonly session: Session | undefined;
  /** The user, if known. At a handshake: the user that a token named. */
  readonly user: User | undefined;
  /** The channel, or the pattern of a subscription. */
  readonly channel: string;
  /** The request, without its clientId. */
  readonly message: ReadableRequest;
  readonly request: RequestInfo;
  /** Aborts after `hookTimeout`. */
  readonly signal: AbortSignal;
}

/** A question to the policy: may this message go to this user? */
export interface SendRequest extends PolicyRequest {
  /** The id of the receiver. */
  readonly to: string;
  /** Whatever the sender wants to say. */
  readonly payload: unknown;
}

/** The answers of a policy to a handshake (HS-10). */
export type HandshakeAnswer =
  | boolean
  | {
      readonly allow: true;
      /** The user, by whose id `server.user` finds the session. Overrides the token's. */
      readonly user?: GivenUser;
      /** Initial `attributes` of the session: plain JSON. */
      readonly attributes?: JsonObject;
      /** Times of this session, which override the server's. Milliseconds. */
      readonly timeout?: number;
      readonly interval?: number;
      readonly maxInterval?: number;
      readonly ext?: JsonObject;
    }
  | {
      readonly allow: false;
      /** `code:args:message`; default `403::handshake_denied`. */
      readonly error?: string;
      readonly advice?: Partial<Advice>;
      readonly ext?: JsonObject;
    }
  /** No room now: the client gets the answer of HS-14, so that every client backs off. */
  | 'busy';

/**
 * Decides what clients may do. Asked for every remote message, without a cache (SEC-13). An absent function
 * allows everything.
 */
export interface Policy {
  canHandshake?(request: PolicyRequest): MaybePromise<HandshakeAnswer>;
  canSubscribe?(request: PolicyRequest): MaybePromise<boolean>;
  canPublish?(request: PolicyRequest): MaybePromise<boolean>;
  /** Asked once for each receiver of an addressed message, after `canPublish`. */
  canSend?(request: SendRequest): MaybePromise<boolean>;
}
