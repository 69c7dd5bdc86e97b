import type { Reservation } from '../ports/feature.ts';

/** The channels that features have reserved: only the server sends events on them. */
export class Reserved {
  readonly #bySegment: ReadonlyMap<string, Reservation>;

  constructor(reservations: readonly Reservation[]) {
    this.#bySegment = new Map(reservations.map((one) => [one.segment, one]));
  }

  /** Whether a name or pattern is a reserved one. `/**` is not: no event is published to a reserved channel. */
  has(channel: string): boolean {
    return this.#of(channel) !== undefined;
  }

  /** Whether a pattern stands for several reserved channels. */
  hasMany(pattern: string): boolean {
    return pattern.endsWith('*') && this.has(pattern);
  }

  /** The channel, or pattern, whose right a subscription asks. */
  rightTo(pattern: string): string {
    return this.#of(pattern)?.rightTo(pattern) ?? pattern;
  }

  #of(channel: string): Reservation | undefined {
    const end = channel.indexOf('/', 1);
    return this.#bySegment.get(channel.slice(1, end === -1 ? undefined : end));
  }
}
