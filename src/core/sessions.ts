import type { Conduit } from '../ports/conduit.ts';
import type { Request } from '../protocol/message.ts';
import type { Admission } from './admission.ts';
import { randomHex } from '../lib/random-hex.ts';
import type { Session } from './session.ts';

const none: ReadonlySet<Session> = new Set();

/** The options that decide which conduits may speak for a session. */
export interface TrustOptions {
  readonly trustClientSession: boolean;
  readonly websocket: { readonly requireHandshakePerConnection: boolean };
}

/** The open sessions: by secret, by public id, by user. */
export class Sessions implements Iterable<Session> {
  readonly #admission: Admission;
  readonly #options: TrustOptions;
  readonly #engine: { readonly node: string };
  readonly #bySecret = new Map<string, Session>();
  readonly #byId = new Map<string, Session>();
  readonly #byUser = new Map<string, Set<Session>>();

  /** Ids begin with the name of the engine's node (HS-8). */
  constructor(admission: Admission, options: TrustOptions, engine: { readonly node: string }) {
    this.#engine = engine;
    this.#admission = admission;
    this.#options = options;
  }

  get size(): number {
    return this.#bySecret.size;
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#bySecret.values();
  }

  /** A new clientId: a bearer secret of 160 random bits, alphanumeric (HS-8). */
  newSecret(): string {
    return this.#engine.node + randomHex(20);
  }

  /** A new public id, which does not allow anyone to speak for the session (HS-16). */
  newId(): string {
    return this.#engine.node + randomHex(8);
  }

  add(session: Session): void {
    this.#bySecret.set(session.clientId, session);
    this.#byId.set(session.id, session);
    if (session.user === undefined) return;
    const sessions = this.#byUser.get(session.user.id);
    if (sessions === undefined) this.#byUser.set(session.user.id, new Set([session]));
    else sessions.add(session);
  }

  remove(session: Session): void {
    this.#admission.leave(session.seat);
    this.#bySecret.delete(session.clientId);
    this.#byId.delete(session.id);
    if (session.user === undefined) return;
    const sessions = this.#byUser.get(session.user.id);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#byUser.delete(session.user.id);
  }

  bySecret(clientId: string): Session | undefined {
    return this.#bySecret.get(clientId);
  }

  /** The session that a request names by its secret (PR-2). */
  named(request: Request): Session | undefined {
    if (request.kind === 'invalid' || request.kind === 'handshake' || request.clientId === undefined)
      return undefined;
    return this.#bySecret.get(request.clientId);
  }

  /** Whether a conduit may speak for a session. Options can demand the socket or browser of its handshake (CK-2, WS-9, WS-10). */
  trusts(conduit: Conduit, session: Session): boolean {
    const { trustClientSession, websocket } = this.#options;
    if (conduit.trusted === true) return true;
    if (conduit.shape !== 'exchange') {
      if (conduit.session === session) return true;
      if (websocket.requireHandshakePerConnection) return false;
      if (conduit.session !== undefined) return trustClientSession;
    }
    return trustClientSession || (session.browser !== undefined && session.browser === conduit.browser);
  }

  byId(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /** Each user with sessions, and their number. */
  *users(): Generator<{ readonly user: string; readonly sessions: number }> {
    for (const [user, { size }] of this.#byUser) yield { user, sessions: size };
  }

  ofUser(user: string): ReadonlySet<Session> {
    return this.#byUser.get(user) ?? none;
  }
}
