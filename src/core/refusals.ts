import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';

/** Shortest time between two log lines about one cause. Milliseconds. */
const MINUTE = 60_000;

/** Most causes with a line of their own. Needed since error codes of the application are causes, too. */
const MAX_CAUSES = 200;

/** Stands for the events of further refusals. */
const OTHERS = 'others';

/** The fields of a log line about refusals, besides the event and the count. */
export interface RefusalDetails {
  /** The option that refused, or that would allow the request. */
  readonly option?: string;
  /** A sentence with the mistake and its fix. */
  readonly why: string;
  /** Distinguishes refusals with the same event and option. Not logged. */
  readonly cause?: string | number;
  readonly [key: string]: unknown;
}

/** How many refusals one event and one option had. The option is empty where none decided. */
export interface RefusalTally {
  readonly event: string;
  readonly option: string;
  count: number;
}

interface Cause {
  /** Refusals since the last line. */
  count: number;
  loggedAt: number;
}

/**
 * Logs refusals: each cause at most once a minute, with the number of refusals since its last line. So a
 * flood of refused requests does not fill the log.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #causes = new Map<string, Cause>();
  readonly #tallies = new Map<string, RefusalTally>();
  readonly #listeners: ((event: string, details: RefusalDetails, times?: number) => void)[] = [];

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Counts `times` refusals. Those with the same event, option and `cause` share a log line. None of the
   * three may be a text that a client chose: above `MAX_CAUSES`, new causes share one line per event.
   */
  note(event: string, noted: RefusalDetails, times = 1): void {
    for (const listener of this.#listeners) listener(event, noted, times);
    const { cause: name = '', ...details } = noted;
    const { option } = details;
    this.#tallyOf(event, option ?? '').count += times;
    const cause = this.#causeOf(event, `${event} ${details.option ?? ''} ${name}`);
    cause.count += times;
    const now = this.#clock.now();
    if (now - cause.loggedAt < MINUTE) return;
    this.#log({ level: 'warn', event, ...details, count: cause.count });
    cause.count = 0;
    cause.loggedAt = now;
  }

  /** Tells this function each refusal from now on. */
  hear(listener: (event: string, details: RefusalDetails, times?: number) => void): void {
    this.#listeners.push(listener);
  }

  /** How many refusals each option has caused. */
  get counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { option, count } of this.#tallies.values())
      if (option !== '') counts[option] = (counts[option] ?? 0) + count;
    return counts;
  }

  /** How many refusals there were, by event and option. */
  get tallies(): readonly Readonly<RefusalTally>[] {
    return [...this.#tallies.values()];
  }

  #tallyOf(event: string, option: string): RefusalTally {
    const key = `${event} ${option}`;
    const known = this.#tallies.get(key);
    if (known !== undefined) return known;
    // Above the bound, further ones share one tally.
    if (this.#tallies.size >= MAX_CAUSES && event !== OTHERS) return this.#tallyOf(OTHERS, '');
    const tally = { event, option, count: 0 };
    this.#tallies.set(key, tally);
    return tally;
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
