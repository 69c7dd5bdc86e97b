/** What a programmer did wrong with bayeuxd's API; thrown at once and by name, never shown to a client. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'BAYEUXD_USAGE';
}
