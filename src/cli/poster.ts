/** An answer to a POST. */
export interface Answer {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly text: string;
}

/** Posts JSON to one address, on connections that stay open. */
export interface Poster {
  /** Throws `ClientError` when there is no answer. */
  post(body: string, headers?: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Answer>;
  close(): void;
}
