/** A history cannot be used. The message names its folder, and what to do. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';

  constructor(path: string, why: string, cause?: unknown) {
    super(`the history in ${path} ${why}`, { cause });
  }
}
