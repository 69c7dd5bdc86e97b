/** The exit codes of the program, for help and documentation. */
export const exitCodes = [
  ['0', 'Done. An empty list is no error.'],
  ['1', 'The server cannot be reached, it refused, or the program failed.'],
  ['2', 'The command line is wrong. Nothing was sent.'],
  ['3', 'Nothing has this id or name, and nothing was done.'],
] as const;
