import type { MaybePromise } from '../lib/maybe-promise.ts';

/** What `server.revoke` takes back: all tokens of a user, one token by its `jti`, or the token of one session. */
export type Revocation =
  | { readonly user: string }
  | { readonly tokenId: string }
  | { readonly session: string };

/** A revoked user or token. */
export interface RevokedEntry {
  readonly kind: 'user' | 'token';
  readonly id: string;
  /** Tokens of a user that were issued later are accepted. Milliseconds since the epoch. */
  readonly revokedAt: number;
  /** The entry ends then: each of its tokens has expired. Milliseconds since the epoch. */
  readonly until: number;
}

/** A token as a list of revocations knows it. */
export interface IssuedToken {
  readonly sub: string;
  /** Its `jti`, or its hash if it has none. */
  readonly token: string;
  /** Milliseconds since the epoch; undefined for a token without `iat`. */
  readonly issuedAt: number | undefined;
}

/** The revoked users and tokens. Promises allow for a list that a cluster shares. */
export interface Revocations {
  /** Replaces an older entry of the same user or token. Throws `NoRoomError` if the list is full. */
  add(entry: RevokedEntry): MaybePromise<void>;
  /** Whether the token is revoked, or its user was revoked after `issuedAt` or at that moment. */
  covers(token: IssuedToken): MaybePromise<boolean>;
}
