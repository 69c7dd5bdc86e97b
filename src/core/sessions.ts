import { randomBytes } from 'node:crypto';
import type { Admission } from './admission.ts';
import { randomHex } from '../lib/random-hex.ts';
import type { Session } from './session.ts';

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** The tag of this node, with which every id it makes begins (HS-8). */
function newTag(): string {
  return Array.from(randomBytes(4), (byte) => alphanumeric[byte % alphanumeric.length]).join('');
}

const none: ReadonlySet<Session> = new Set();

/** Who is connected: by secret, by public id, by user. */
export class Sessions implements Iterable<Session> {
  readonly #admission: Admission;
  readonly #tag = newTag();
  readonly #bySecret = new Map<string, Session>();
  readonly #byId = new Map<string, Session>();
  readonly #byUser = new Map<string, Set<Session>>();

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  get size(): number {
    return this.#bySecret.size;
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#bySecret.values();
  }

  /** A new clientId: a bearer secret of 160 random bits, alphanumeric (HS-8). */
  newSecret(): string {
    return this.#tag + randomHex(20);
  }

  /** A new public id, of no use to anyone who wants to speak for the session (HS-16). */
  newId(): string {
    return this.#tag + randomHex(8);
  }

  add(session: Session): void {
    this.#bySecret.set(session.clientId, session);
    this.#byId.set(session.id, session);
    if (session.user === undefined) return;
    const sessions = this.#byUser.get(session.user);
    if (sessions === undefined) this.#byUser.set(session.user, new Set([session]));
    else sessions.add(session);
  }

  remove(session: Session): void {
    this.#admission.leave(session.seat);
    this.#bySecret.delete(session.clientId);
    this.#byId.delete(session.id);
    if (session.user === undefined) return;
    const sessions = this.#byUser.get(session.user);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#byUser.delete(session.user);
  }

  bySecret(clientId: string): Session | undefined {
    return this.#bySecret.get(clientId);
  }

  byId(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  ofUser(user: string): ReadonlySet<Session> {
    return this.#byUser.get(user) ?? none;
  }
}
