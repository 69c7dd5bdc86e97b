import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { matcher } from '../../channels/channel-names.ts';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import type { History } from './history.ts';
import type { HistoryRange } from '../../ports/history-store.ts';

/** How many events are read at once, and how many may come in meanwhile (RP-10). */
export const PAGE = 500;

/** What a replay reads of history. */
type Past = Pick<History, 'read' | 'range' | 'deliveredThrough'>;

/** Where a replay starts: behind an id, or with the oldest event there is. */
export type Start = number | 'oldest';

/** What one look at the history found. */
export interface Found {
  readonly page: readonly OutgoingEvent[];
  readonly range: HistoryRange;
}

/**
 * One subscription on its way from the past to the present. From its making it covers its pattern: it brings what is published
 * there too, so that nothing is missing and nothing comes twice (RP-9).
 *
 *     stored:   ── after ──│ page │ page │ page, short │
 *     live:                      left to a later page  │ heard while that was read │ from here on by itself
 */
export class Replay {
  /** The subscription it is for; undefined once that was dropped, and others still miss what this one covered. */
  key: string | undefined;
  readonly pattern: string;
  /** Whether the reply that promises it was written. */
  isReady = false;
  /** Whether it has come to the present, and covers nothing any more. */
  isDone = false;
  readonly covers: (channel: string) => boolean;
  readonly #past: Past;
  // What came before it covered anything.
  readonly #from: number;
  #after: Start;
  #heard: OutgoingEvent[] = [];
  #heardAll = true;

  /** `from`: behind which id it owes what it covers. */
  constructor(pattern: string, after: Start, past: Past, from = past.deliveredThrough) {
    this.key = pattern;
    this.pattern = pattern;
    this.covers = matcher(pattern);
    this.#past = past;
    this.#from = from;
    this.#after = after;
  }

  /** One for the same subscription that starts elsewhere, and owes what this one still does; undefined if it would not bring that. */
  replaced(start: Start): Replay | undefined {
    const owed = this.#owedAfter;
    const brings = start === 'oldest' || start <= owed;
    if (!brings) return undefined;
    // Its client may have spoken of an id that nobody was told yet: now it asks for that too.
    return new Replay(this.pattern, start, this.#past, Math.min(owed, this.#past.deliveredThrough));
  }

  /** Goes on only with what was kept from other subscriptions. */
  orphan(): void {
    this.key = undefined;
    this.#after = this.#owedAfter;
  }

  /** Whether it has nothing to do any more, nor will be asked about an event that its client had before. */
  get isOver(): boolean {
    return this.isDone && this.#past.deliveredThrough >= this.#owedAfter;
  }

  /** Takes a live event on a channel that it covers; false when it is to be queued. */
  takes(event: OutgoingEvent): boolean {
    // Its client may have had it from elsewhere.
    if (this.isDone) return (event.replayId ?? 0) <= this.#owedAfter;
    if (this.#heard.length < PAGE) this.#heard.push(event);
    else this.#heardAll = false;
    return true;
  }

  /** Looks for what comes next. Rejects, or throws, as the store does. */
  look(): MaybePromise<Found> {
    this.#heard = [];
    this.#heardAll = true;
    const after = this.#after === 'oldest' ? -1 : this.#after;
    return andThen(this.#past.read(this.pattern, after, PAGE), (page) =>
      // Behind the page: what was discarded before it was read is seen.
      andThen(this.#past.range(this.pattern), (range) => ({ page, range })),
    );
  }

  /** What is to be queued now, by id; undefined when some of what was to come may be gone. Sets `isDone`. */
  advance({ page, range }: Found): readonly OutgoingEvent[] | undefined {
    // What has come since it covers its pattern is owed in any case.
    const owed = this.#after === 'oldest' ? this.#from : this.#after;
    if (range.discardedThrough > owed) return undefined;
    // It may owe less than when the page was asked for.
    const fresh = above(this.#after === 'oldest' ? -1 : this.#after, page);
    const last = fresh.at(-1)?.replayId ?? this.#owedAfter;
    this.#after = last;
    this.isDone = page.length < PAGE && this.#heardAll;
    return this.isDone ? [...fresh, ...above(last, this.#heard)] : fresh;
  }

  get #owedAfter(): number {
    return this.#after === 'oldest' ? this.#from : Math.max(this.#after, this.#from);
  }
}

function above(id: number, events: readonly OutgoingEvent[]): readonly OutgoingEvent[] {
  return events.filter(({ replayId = 0 }) => replayId > id);
}
