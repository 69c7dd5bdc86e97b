import { Histogram } from '../lib/histogram.ts';
import { type CloseReason, noEnds } from '../ports/conduit.ts';
import type { RefusalTally } from './refusals.ts';

/** Bounds of times, in milliseconds. */
const TIMES = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500];

/**
 * What a server has done since its start. Plain integers, so that counting costs next to nothing: monitoring reads them when it
 * is asked.
 */
export class Counts {
  /** Handshakes that were read. */
  handshakes = 0;
  /** Sessions that were opened. */
  opened = 0;
  /** Sessions that ended. */
  readonly ends: Record<CloseReason, number> = { ...noEnds };
  /** Accepted events, by the place of their rule in `ChannelRules.patterns`. */
  readonly publishes: number[];
  /** Events that left for a session, each repeat included. */
  deliveries = 0;
  /** Events that were not handed over whole, and wait again. */
  returned = 0;
  /** Events that were dropped for a session, and are reported to it as gaps. */
  readonly dropped = { dropOldest: 0, dropNewest: 0 };
  /** Times from the first event that was queued in a turn of the event loop until all sessions were flushed. Milliseconds. */
  readonly flushes = new Histogram(TIMES);

  /** `rules`: the number of patterns with a rule. */
  constructor(rules: number) {
    this.publishes = new Array(rules + 1).fill(0);
  }
}

/** What a server has done since its start. */
export interface CountsSoFar
  extends Readonly<Pick<Counts, 'handshakes' | 'opened' | 'deliveries' | 'returned'>> {
  readonly ends: Readonly<Counts['ends']>;
  readonly dropped: Readonly<Counts['dropped']>;
  readonly flushes: Readonly<Pick<Histogram, 'bounds' | 'counts' | 'sum'>>;
  /** Events accepted for broadcast channels, by the most specific pattern in `channels` that the channel matches; `''` if none does. */
  readonly publishes: Readonly<Record<string, number>>;
  /** Refusals by event of the log and option. */
  readonly refusals: readonly Readonly<RefusalTally>[];
}

/** The counts with the names of what they count. */
export function countsSoFar(
  counts: Counts,
  patterns: readonly string[],
  refusals: readonly RefusalTally[],
): CountsSoFar {
  const { handshakes, opened, deliveries, returned, ends, dropped, flushes } = counts;
  const publishes = Object.fromEntries(patterns.map((pattern, at) => [pattern, counts.publishes[at] ?? 0]));
  return { handshakes, opened, deliveries, returned, ends, dropped, flushes, publishes, refusals };
}
