import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { matcher } from '../../channels/channel-names.ts';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import type { History } from './history.ts';
import type { HistoryRange } from '../../ports/history-store.ts';

/** Events in one page, and the most live events kept while a page is read (RP-10). */
export const PAGE = 500;

/** The part of history that a replay reads. */
type Past = Pick<History, 'read' | 'range' | 'deliveredThrough' | 'knownThrough'>;

/** Where a replay starts: after an id, or at the oldest event. */
export type Start = number | 'oldest';

/** The result of one read. */
export interface Found {
  readonly page: readonly OutgoingEvent[];
  readonly range: HistoryRange;
}

/**
 * Replays stored events to one subscription, until live events follow without a gap. From its creation on,
 * the replay covers its pattern: it delivers live events there too, so that no event is missing and none
 * comes twice (RP-9).
 *
 *     stored:   ── after ──│ page │ page │ page, short │
 *     live:                      read by a later page  │ kept while that was read │ from here on without the replay
 */
export class Replay {
  /** Its subscription; undefined once that was removed, while other subscriptions still need the covered events. */
  key: string | undefined;
  readonly pattern: string;
  /** Whether the subscribe reply was written. */
  isReady = false;
  /** Whether it has caught up with live events, and covers nothing any more. */
  isDone = false;
  readonly covers: (channel: string) => boolean;
  readonly #past: Past;
  // Events up to this id were delivered before the replay covered its pattern.
  readonly #from: number;
  #after: Start;
  #live: OutgoingEvent[] = [];
  #hasAllLive = true;

  /** `from`: the replay owes the covered events with ids above this one. */
  constructor(pattern: string, after: Start, past: Past, from = past.knownThrough) {
    this.key = pattern;
    this.pattern = pattern;
    this.covers = matcher(pattern);
    this.#past = past;
    this.#from = from;
    this.#after = after;
  }

  /** A replay of the same subscription from another start; undefined if it would skip events that this one owes. */
  replaced(start: Start): Replay | undefined {
    const owed = this.#owedAfter;
    const brings = start === 'oldest' || start <= owed;
    if (!brings) return undefined;
    // The client may have given an id that is not delivered yet: the new replay has to include it.
    return new Replay(this.pattern, start, this.#past, Math.min(owed, this.#past.knownThrough));
  }

  /** Its subscription was removed: continues only with covered events that other subscriptions need. */
  detach(): void {
    this.key = undefined;
    this.#after = this.#owedAfter;
  }

  /** True when the replay is finished and no live event can still be one that the client already has. */
  get isOver(): boolean {
    return this.isDone && this.#past.deliveredThrough >= this.#owedAfter;
  }

  /** Takes a live event on a channel that it covers; false when the event is to be queued. */
  takes(event: OutgoingEvent): boolean {
    // The client may have received the event elsewhere, before it subscribed here.
    if (this.isDone) return (event.replayId ?? 0) <= this.#owedAfter;
    if (this.#live.length < PAGE) this.#live.push(event);
    else this.#hasAllLive = false;
    return true;
  }

  /** Reads the next page. Rejects or throws as the store does. */
  look(): MaybePromise<Found> {
    this.#live = [];
    this.#hasAllLive = true;
    const after = this.#after === 'oldest' ? -1 : this.#after;
    return andThen(this.#past.read(this.pattern, after, PAGE), (page) =>
      // The range is read after the page, so that it shows events discarded before the page was read.
      andThen(this.#past.range(this.pattern), (range) => ({ page, range })),
    );
  }

  /** The events to queue now, in order of id; undefined when some of them may have been discarded. Sets `isDone`. */
  advance({ page, range }: Found): readonly OutgoingEvent[] | undefined {
    // Events since the replay covers its pattern are owed in any case.
    const owed = this.#after === 'oldest' ? this.#from : this.#after;
    if (range.discardedThrough > owed) return undefined;
    // `detach` may have raised `#after` while the page was read.
    const fresh = above(this.#after === 'oldest' ? -1 : this.#after, page);
    const last = fresh.at(-1)?.replayId ?? this.#owedAfter;
    this.#after = last;
    this.isDone = page.length < PAGE && this.#hasAllLive;
    return this.isDone ? [...fresh, ...above(last, this.#live)] : fresh;
  }

  get #owedAfter(): number {
    return this.#after === 'oldest' ? this.#from : Math.max(this.#after, this.#from);
  }
}

function above(id: number, events: readonly OutgoingEvent[]): readonly OutgoingEvent[] {
  return events.filter(({ replayId = 0 }) => replayId > id);
}
