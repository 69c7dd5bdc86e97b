import { type BayeuxError, errors } from '../../protocol/errors.ts';

/** Why a token is not taken, in words that hold nothing of the token: for the log, once for each cause and minute. */
export type Cause = string;

/** A token is not taken. The client is told the error alone. */
export class TokenRefusal extends Error {
  override readonly name = 'TokenRefusal';
  readonly kind: 'missing' | 'invalid' | 'expired';
  readonly why: Cause;

  constructor(kind: TokenRefusal['kind'], why: Cause, options?: ErrorOptions) {
    super(why, options);
    this.kind = kind;
    this.why = why;
  }

  /** What the client is told. */
  get told(): BayeuxError {
    if (this.kind === 'missing') return errors.tokenMissing();
    return this.kind === 'expired' ? errors.tokenExpired() : errors.tokenInvalid();
  }
}

/** The keys could not be had: nobody knows whether the token is good. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}
