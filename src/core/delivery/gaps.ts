import { AROUND_GAPS, entryBytes, type Gap, type GapsByChannel, joined, withGaps } from '../../ports/gap.ts';
import type { Reply } from '../../protocol/message.ts';
import { OutgoingReply } from '../../protocol/outgoing.ts';
import { OutgoingEvent } from '../../ports/outgoing-event.ts';

/** Channels of one session that can wait to be told of a gap; what is dropped on others is told of under `/**`. */
const MAX_CHANNELS = 1000;
const EVERYWHERE = '/**';

/** What is missing where this event is dropped: itself, and what it would have told of. */
export function gapFor({ gap, replayId }: OutgoingEvent): Gap {
  return joined(gap, replayId === undefined ? { count: 1 } : { count: 1, from: replayId, to: replayId });
}

/** The event as one session gets it: it tells of a gap before it. */
export function withGap(event: OutgoingEvent, more: Gap): OutgoingEvent {
  const gap = joined(event.gap, more);
  const { message } = event;
  const own = new OutgoingEvent({ ...message, ext: { ...message.ext, gap } }, { ...event, gap });
  own.since = event.since;
  own.pack();
  return own;
}

/** A connect reply that tells of gaps: these go back where it is not handed over whole. */
export class GapReply extends OutgoingReply {
  readonly gaps: GapsByChannel;

  constructor(reply: Reply, gaps: GapsByChannel) {
    super(withGaps(reply, gaps));
    this.gaps = gaps;
  }
}

/**
 * Gaps of one session that nothing tells of yet.
 *
 *     a1 dropped │ a2 a3 │ a4 dropped │
 *                  ahead: told by the next of the channel that is taken
 *                                       behind: told by the next of the channel that is pushed
 */
export class Gaps {
  readonly ahead = new Map<string, Gap>();
  readonly #behind = new Map<string, Gap>();
  // On channels that found no place.
  #elsewhere: Gap | undefined;

  addAhead(channel: string, gap: Gap): void {
    this.#add(this.ahead, channel, gap);
  }

  addBehind(channel: string, gap: Gap): void {
    this.#add(this.#behind, channel, gap);
  }

  /** Nothing of these channels waits any more: whoever is pushed next tells of it. */
  fallBehind(ahead: Map<string, Gap>): void {
    for (const [channel, gap] of ahead) {
      ahead.delete(channel);
      this.addBehind(channel, gap);
    }
  }

  /** The event as it is to be queued: it tells of what was dropped since the one before. */
  carriedBy(event: OutgoingEvent): OutgoingEvent {
    const { channel } = event;
    const gap = event.replayed ? undefined : this.#behind.get(channel);
    if (gap === undefined) return event;
    this.#behind.delete(channel);
    return withGap(event, gap);
  }

  /** Whether a connect reply has to tell of any. */
  isDue(drained: boolean): boolean {
    return this.#elsewhere !== undefined || (drained && this.ahead.size + this.#behind.size > 0);
  }

  /** What a connect reply tells of: where nothing waits, all; but no more than `maxBytes`. */
  take(drained: boolean, maxBytes: number): GapsByChannel {
    const taken = new Map<string, Gap>();
    let left = maxBytes - AROUND_GAPS;
    if (this.#elsewhere !== undefined) {
      left -= entryBytes(EVERYWHERE, this.#elsewhere);
      if (left < 0) return taken;
      taken.set(EVERYWHERE, this.#elsewhere);
      this.#elsewhere = undefined;
    }
    if (!drained) return taken;
    for (const channel of new Set([...this.ahead.keys(), ...this.#behind.keys()])) {
      const gap = this.#of(channel);
      left -= entryBytes(channel, gap);
      if (left < 0) break;
      taken.set(channel, gap);
      this.ahead.delete(channel);
      this.#behind.delete(channel);
    }
    return taken;
  }

  /** The reply did not leave. */
  putBack(gaps: GapsByChannel): void {
    for (const [channel, gap] of gaps) this.addAhead(channel, gap);
  }

  #of(channel: string): Gap {
    const [ahead, behind] = [this.ahead.get(channel), this.#behind.get(channel)];
    return behind === undefined ? (ahead ?? { count: 0 }) : joined(ahead, behind);
  }

  #add(where: Map<string, Gap>, channel: string, gap: Gap): void {
    const hasRoom = where.has(channel) || this.ahead.size + this.#behind.size < MAX_CHANNELS;
    if (channel !== EVERYWHERE && hasRoom) where.set(channel, joined(where.get(channel), gap));
    else this.#elsewhere = joined(this.#elsewhere, gap);
  }
}
