/** The shells that have a completion. */
export const shells = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof shells)[number];

/** The values that a shell can offer: words, files, or none if it knows none. */
export type Values = readonly string[] | 'files';

/** A flag as the shells need it. */
export interface CompletedFlag {
  readonly flag: string;
  readonly doc: string;
  /** Whether it may be given more than once. */
  readonly isRepeated: boolean;
  /** Absent for a flag without a value. */
  readonly value?: { readonly name: string; readonly values: Values };
}

/** A command as the shells need it. */
export interface CompletedCommand {
  readonly name: string;
  readonly doc: string;
  /** The values of its first argument. */
  readonly values: Values;
  readonly flags: readonly CompletedFlag[];
}
