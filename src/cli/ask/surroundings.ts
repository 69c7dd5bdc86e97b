import type { Clock } from '../../lib/clock.ts';
import type { ApiClient } from '../api-client.ts';
import type { Env } from '../config.ts';
import type { AskFlags } from './commands.ts';

export interface AskSurroundings {
  readonly env: Env;
  readonly clock: Clock;
  /** A signal that follows the first interrupt of the user. Until it is called, an interrupt ends the process. */
  interrupted(): AbortSignal;
  /** Columns of the terminal; undefined if the output is none. */
  readonly terminal: number | undefined;
  print(line: string): void;
  say(line: string): void;
}

/** A command with its surroundings. */
export interface Ask extends AskSurroundings {
  readonly api: ApiClient;
  readonly flags: AskFlags;
}
