/** One mistake in the configuration. */
export interface Problem {
  readonly key: string;
  /** A flag, a variable, or a file with its line. */
  readonly place: string;
  /** The mistake and its fix. */
  readonly message: string;
}

/** The configuration has mistakes. Lists all of them. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    super(problems.map(({ place, message }) => `${place}: ${message}`).join('\n'), options);
    this.problems = problems;
  }
}
