import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Sum } from './directory.ts';

/** Argument of `server.revoke`: all tokens of a user, one token by its `jti`, or the token of one session. */
export type Revocation =
  | { readonly user: string }
  | { readonly tokenId: string }
  | { readonly session: string };

/** A revoked user or token. */
export interface RevokedEntry {
  readonly kind: 'user' | 'token';
  readonly id: string;
  /** Later tokens of the user are accepted. Milliseconds since the epoch. */
  readonly revokedAt: number;
  /** Time at which all tokens of the entry have expired. Milliseconds since the epoch. */
  readonly until: number;
}

/** The parts of a token that a list of revocations compares. */
export interface IssuedToken {
  readonly sub: string;
  /** Its `jti`, or its hash if it has none. */
  readonly token: string;
  /** Milliseconds since the epoch; undefined for a token without `iat`. */
  readonly issuedAt: number | undefined;
}

/** The list of revoked users and tokens. Methods may return promises, so that the nodes of a cluster can share a list. */
export interface Revocations {
  /**
   * Replaces an older entry of the same user or token. Throws `NoRoomError` when the list is full. A list of all nodes resolves with the
   * sessions that ended on the others.
   */
  add(entry: RevokedEntry): MaybePromise<Sum<number> | undefined>;
  /** Whether the token is revoked, or its user was revoked after `issuedAt` or at that moment. */
  covers(token: IssuedToken): MaybePromise<boolean>;
}
