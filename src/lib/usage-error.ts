/** A wrong use of bayeuxd's API. Thrown at once, names what is wrong, and is never shown to a client. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'BAYEUXD_USAGE';
}
