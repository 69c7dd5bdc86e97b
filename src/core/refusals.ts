import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

/** The least time between two log lines on one cause. Milliseconds. */
const MINUTE = 60_000;

/** Causes that are kept apart: the words of an application's errors are causes, too. */
const MAX_CAUSES = 200;

/** What a log line on a refusal says besides its count. */
export interface RefusalDetails {
  /** The option that sets the limit, or would allow it. */
  readonly option?: string;
  /** In words: what is wrong, and what would allow it. */
  readonly why: string;
  /** Tells refusals apart that have the event and the option in common. Not logged. */
  readonly cause?: string | number;
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
  readonly #byOption = new Map<string, number>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Counts a refusal, or several. Those with one event, option and `cause` share a line. None of the three may be a text that a client
   * chose: past a number of them, all others share one line an event.
   */
  note(event: string, { cause: name = '', ...details }: RefusalDetails, times = 1): void {
    const { option } = details;
    if (option !== undefined) this.#byOption.set(option, (this.#byOption.get(option) ?? 0) + times);
    const cause = this.#causeOf(event, `${event} ${details.option ?? ''} ${name}`);
    cause.count += times;
    const now = this.#clock.now();
    if (now - cause.loggedAt < MINUTE) return;
    this.#log({ level: 'warn', event, ...details, count: cause.count });
    cause.count = 0;
    cause.loggedAt = now;
  }

  /** How many refusals each option has caused. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#byOption);
  }

  #causeOf(event: string, full: string): Cause {
    const name = this.#causes.has(full) || this.#causes.size < MAX_CAUSES ? full : event;
    let cause = this.#causes.get(name);
    if (cause === undefined) {
      cause = { count: 0, loggedAt: Number.NEGATIVE_INFINITY };
      this.#causes.set(name, cause);
    }
    return cause;
  }
}
