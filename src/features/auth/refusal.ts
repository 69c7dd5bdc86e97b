import { type BayeuxError, errors } from '../../protocol/errors.ts';

/** A token is refused. The client gets `clientError`; only the log gets the reason. */
export class TokenRefusal extends Error {
  override readonly name = 'TokenRefusal';
  readonly kind: 'missing' | 'invalid' | 'expired' | 'revoked';
  /** One of few texts, none from the token: each is logged once a minute. */
  readonly why: string;

  constructor(kind: TokenRefusal['kind'], why: string, options?: ErrorOptions) {
    super(why, options);
    this.kind = kind;
    this.why = why;
  }

  get clientError(): BayeuxError {
    if (this.kind === 'missing') return errors.tokenMissing();
    if (this.kind === 'expired') return errors.tokenExpired();
    return this.kind === 'revoked' ? errors.tokenRevoked() : errors.tokenInvalid();
  }
}

/** The keys cannot be fetched, so the token cannot be verified. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}
