import type { Refusals } from '../../core/refusals.ts';
import type { Clock } from '../../lib/clock.ts';
import { andThen, type MaybePromise, recover } from '../../lib/maybe-promise.ts';
import type { Sum } from '../../ports/directory.ts';
import type { ServedSession } from '../../ports/feature.ts';
import type { IssuedToken, Revocation, Revocations, RevokedEntry } from '../../ports/revocations.ts';
import { errors, NoRoomError } from '../../protocol/errors.ts';
import type { AuthOptions } from './options.ts';
import { SessionsBy } from './sessions-by.ts';

interface HeldToken extends IssuedToken {
  /** `exp` and the clock tolerance. Milliseconds since the epoch. */
  readonly expiresAt: number;
}

interface Added {
  readonly elsewhere?: Sum<number> | undefined;
  readonly error?: unknown;
}

interface RevokerParts {
  readonly options: AuthOptions;
  readonly clock: Clock;
  readonly refusals: Pick<Refusals, 'note'>;
  readonly list: Revocations;
  readonly proofOf: (session: ServedSession) => HeldToken | undefined;
}

/** Revokes users and tokens: ends their sessions on this node, and adds them to the list of revocations. */
export class Revoker {
  readonly #parts: RevokerParts;
  readonly #byUser = new SessionsBy();
  readonly #byToken = new SessionsBy();
  #list: Revocations;
  #count = 0;

  constructor(parts: RevokerParts) {
    this.#parts = parts;
    this.#list = parts.list;
  }

  /** Takes another list from now on: one of all nodes. Called before any token comes. */
  share(list: Revocations): void {
    this.#list = list;
  }

  /** Number of revocations. A token that was looked up at another count must be looked up again. */
  get count(): number {
    return this.#count;
  }

  hold(session: ServedSession, { sub, token }: HeldToken): void {
    this.#byUser.add(sub, session);
    this.#byToken.add(token, session);
  }

  release(session: ServedSession, { sub, token }: HeldToken): void {
    this.#byUser.remove(sub, session);
    this.#byToken.remove(token, session);
  }

  covers(token: HeldToken): MaybePromise<boolean> {
    return this.#list.covers(token);
  }

  /**
   * Ends the sessions of the user, or of the token, and refuses the tokens from now on. Returns the number of sessions on all
   * nodes. `held` is the token of the session that the revocation names.
   */
  revoke(revocation: Revocation, held: HeldToken | undefined): MaybePromise<Sum<number>> {
    this.#count += 1;
    const entry = this.#entryFor(revocation, held);
    if (entry === undefined) return { value: 0, complete: true };
    const sessions = this.#sessionsOf(entry);
    const added = recover<Added>(
      () => andThen(this.#list.add(entry), (elsewhere) => ({ elsewhere })),
      (error) => ({ error: this.#failed(error) }),
    );
    for (const session of sessions) endRevoked(session);
    return andThen(added, ({ elsewhere, error }) => {
      if (error !== undefined) throw error;
      return { value: sessions.length + (elsewhere?.value ?? 0), complete: elsewhere?.complete ?? true };
    });
  }

  /** Another node has revoked, maybe a while ago: ends the sessions whose tokens are revoked. Returns their number. */
  revoked(entry: RevokedEntry): number {
    this.#count += 1;
    const sessions = this.#sessionsOf(entry).filter((session) => {
      const { issuedAt } = this.#parts.proofOf(session) ?? {};
      return entry.kind === 'token' || issuedAt === undefined || issuedAt <= entry.revokedAt;
    });
    for (const session of sessions) endRevoked(session);
    return sessions.length;
  }

  #sessionsOf({ kind, id }: RevokedEntry): readonly ServedSession[] {
    return kind === 'user' ? this.#byUser.of(id) : this.#byToken.of(id);
  }

  #entryFor(revocation: Revocation, held: HeldToken | undefined): RevokedEntry | undefined {
    const { maxLifetime, clockTolerance } = this.#parts.options;
    const revokedAt = this.#parts.clock.now();
    // All tokens issued up to now expire before this time.
    const until = maxLifetime === 0 ? Number.POSITIVE_INFINITY : revokedAt + maxLifetime + 2 * clockTolerance;
    if ('user' in revocation) return { kind: 'user', id: revocation.user, revokedAt, until };
    if ('tokenId' in revocation) return { kind: 'token', id: markOf(revocation.tokenId), revokedAt, until };
    if (held === undefined) return undefined;
    // Several tokens may have the same `jti`, but not the same hash.
    return { kind: 'token', id: held.token, revokedAt, until: hasId(held) ? until : held.expiresAt };
  }

  #failed(error: unknown): unknown {
    if (error instanceof NoRoomError)
      this.#parts.refusals.note('auth.revocations_full', {
        option: 'auth.revocations',
        why: `${error.message}; sessions are ended, but the tokens are accepted until they expire`,
      });
    return error;
  }
}

/** Ends a session whose token is revoked (AU-9). */
export function endRevoked(session: ServedSession): void {
  session.disconnect('revoked', errors.tokenRevoked());
}

const ID = 'id ';

/** The mark of a token with this `jti`. The hash of a token never has this prefix. */
export function markOf(id: string): string {
  return ID + id;
}

function hasId({ token }: HeldToken): boolean {
  return token.startsWith(ID);
}
