import type { Advice, JsonObject, ReadableRequest } from '../protocol/message.ts';
import type { RequestInfo } from './conduit.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Session, User } from './session.ts';

/** What a policy is asked. `session` is absent at a handshake and for publishes without one. */
export interface PolicyRequest {
  readonly session: Session | undefined;
  /** Who asks, where that is known: at a handshake the user that a token named. */
  readonly user: User | undefined;
  /** The channel, or the pattern of a subscription. */
  readonly channel: string;
  /** The request, without its clientId. */
  readonly message: ReadableRequest;
  readonly request: RequestInfo;
  /** Aborts after `hookTimeout`. */
  readonly signal: AbortSignal;
}

/** What a policy may answer to a handshake (HS-10). */
export type HandshakeAnswer =
  | boolean
  | {
      readonly allow: true;
      /** Who this is, where it is another than a token named: the id alone, or with what else is known. */
      readonly user?: string | { readonly id: string; readonly info?: JsonObject };
      /** Milliseconds; stand above the server's for this session. */
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
  /** No room now: answered as HS-14 says, so that every client backs off. */
  | 'busy';

/** Decides who may do what. Asked for every remote message; nothing is cached (SEC-13). What is absent is allowed. */
export interface Policy {
  canHandshake?(request: PolicyRequest): MaybePromise<HandshakeAnswer>;
  canSubscribe?(request: PolicyRequest): MaybePromise<boolean>;
  canPublish?(request: PolicyRequest): MaybePromise<boolean>;
}
