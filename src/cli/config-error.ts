/** One thing wrong with the configuration: what, where it stands, and what should stand there. */
export interface Problem {
  readonly key: string;
  /** A flag, a variable or a file. */
  readonly place: string;
  readonly message: string;
}

/** What an operator wrote that cannot be used; names every problem at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    super(problems.map(({ place, message }) => `${place}: ${message}`).join('\n'), options);
    this.problems = problems;
  }
}
