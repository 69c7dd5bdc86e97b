import { loadConfig } from '../../src/cli/config.ts';
import { ConfigError } from '../../src/cli/config-error.ts';

/** What the program says of these flags: `place: message` for each problem. */
export function problemsOf(flags: Readonly<Record<string, string>>): string[] {
  try {
    loadConfig((flag) => flags[flag], {});
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map(({ place, message }) => `${place}: ${message}`);
    throw error;
  }
  return [];
}
