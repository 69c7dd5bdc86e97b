/** An error of the HTTP API: a status, and a message for the caller. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** Whether it is in the log already. */
  readonly quiet: boolean;

  constructor(status: number, message: string, { quiet = false } = {}) {
    super(message);
    this.status = status;
    this.quiet = quiet;
  }
}
