import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

/** The least time between two log lines on one cause. Milliseconds. */
const MINUTE = 60_000;

/** What a log line on a refusal says besides its count. */
export interface RefusalDetails {
  /** The option that sets the limit. */
  readonly option?: string;
  /** Why, where one event has several causes: one of few texts. */
  readonly why?: string;
  readonly [key: string]: unknown;
}

interface Cause {
  /** Since the last line. */
  count: number;
  loggedAt: number;
}

/**
 * Logs what is refused: each cause at most once a minute, with how many there were since the line before, so that a flood that is
 * refused does not fill the log as well.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #causes = new Map<string, Cause>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Counts a refusal, or several. The event, the option and the reason are its cause: never a text that a client chose, since each is kept. */
  note(event: string, details: RefusalDetails, times = 1): void {
    const cause = this.#causeOf(`${event} ${details.option ?? ''} ${details.why ?? ''}`);
    cause.count += times;
    const now = this.#clock.now();
    if (now - cause.loggedAt < MINUTE) return;
    this.#log({ level: 'warn', event, ...details, count: cause.count });
    cause.count = 0;
    cause.loggedAt = now;
  }

  #causeOf(name: string): Cause {
    let cause = this.#causes.get(name);
    if (cause === undefined) {
      cause = { count: 0, loggedAt: Number.NEGATIVE_INFINITY };
      this.#causes.set(name, cause);
    }
    return cause;
  }
}
