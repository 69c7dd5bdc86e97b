import {
  AROUND_GAPS,
  EVERYWHERE,
  entryBytes,
  type Gap,
  type GapsByChannel,
  joined,
  withGaps,
} from '../../ports/gap.ts';
import type { Reply } from '../../protocol/message.ts';
import { OutgoingReply } from '../../protocol/outgoing.ts';
import { OutgoingEvent } from '../../ports/outgoing-event.ts';

/** Channels of one session with a gap of their own. Drops on further channels are reported together, under `/**`. */
const MAX_CHANNELS = 1000;

/** The gap that an event leaves when it is dropped: the event, and the gap that it would have reported. */
export function gapFor({ gap, replayId }: OutgoingEvent): Gap {
  const own = replayId === undefined ? { count: 1 } : { count: 1, from: replayId, to: replayId };
  return gap === undefined ? own : joined(gap, own);
}

/** A copy of the event for one session, which reports a gap before the event. */
export function withGap(event: OutgoingEvent, more: Gap): OutgoingEvent {
  const gap = event.gap === undefined ? more : joined(event.gap, more);
  const { message } = event;
  const own = new OutgoingEvent({ ...message, ext: { ...message.ext, gap } }, { ...event, gap });
  own.since = event.since;
  own.pack();
  return own;
}

/** A connect reply that reports gaps. They go back to the outbox if the reply is not handed over whole. */
export class GapReply extends OutgoingReply {
  readonly gaps: GapsByChannel;

  constructor(reply: Reply, gaps: GapsByChannel) {
    super(withGaps(reply, gaps));
    this.gaps = gaps;
  }
}

/**
 * Gaps of one session that are not reported yet.
 *
 *     a1 dropped │ a2 a3 │ a4 dropped │
 *                  ahead: reported by the next event of the channel that is taken
 *                                       behind: reported by the next event of the channel that is pushed
 */
export class Gaps {
  readonly ahead = new Map<string, Gap>();
  readonly #behind = new Map<string, Gap>();
  // Of channels beyond MAX_CHANNELS.
  #elsewhere: Gap | undefined;

  add(place: 'ahead' | 'behind', channel: string, gap: Gap): void {
    const map = place === 'ahead' ? this.ahead : this.#behind;
    const hasRoom = map.has(channel) || this.ahead.size + this.#behind.size < MAX_CHANNELS;
    if (channel === EVERYWHERE || !hasRoom) {
      this.#elsewhere = this.#elsewhere === undefined ? gap : joined(this.#elsewhere, gap);
      return;
    }
    const before = map.get(channel);
    map.set(channel, before === undefined ? gap : joined(before, gap));
  }

  /** No event of these channels waits any more: the next one that is pushed reports the gap. */
  fallBehind(gaps: Map<string, Gap>): void {
    for (const [channel, gap] of gaps) {
      gaps.delete(channel);
      this.add('behind', channel, gap);
    }
  }

  /** The event as it is queued: it reports what was dropped since the event before it. */
  reportedBy(event: OutgoingEvent): OutgoingEvent {
    const { channel } = event;
    // A volatile event may be lost, and the gap with it.
    const gap = event.replayed || event.volatile ? undefined : this.#behind.get(channel);
    if (gap === undefined) return event;
    this.#behind.delete(channel);
    return withGap(event, gap);
  }

  /** Whether a connect reply has any gap to report. While events wait, they report the gaps of their channels. */
  hasAny(isEmpty: boolean): boolean {
    return this.#elsewhere !== undefined || (isEmpty && this.ahead.size + this.#behind.size > 0);
  }

  /** Removes the gaps that a connect reply reports, in at most `maxBytes`. */
  take(isEmpty: boolean, maxBytes: number): GapsByChannel {
    const taken = new Map<string, Gap>();
    let left = maxBytes - AROUND_GAPS;
    if (this.#elsewhere !== undefined) {
      left -= entryBytes(EVERYWHERE, this.#elsewhere);
      if (left < 0) return taken;
      taken.set(EVERYWHERE, this.#elsewhere);
      this.#elsewhere = undefined;
    }
    if (!isEmpty) return taken;
    for (const channel of new Set([...this.ahead.keys(), ...this.#behind.keys()])) {
      const gap = this.#gapOf(channel);
      left -= entryBytes(channel, gap);
      if (left < 0) break;
      taken.set(channel, gap);
      this.ahead.delete(channel);
      this.#behind.delete(channel);
    }
    return taken;
  }

  /** Returns gaps of a reply that was not handed over whole. */
  putBack(gaps: GapsByChannel): void {
    for (const [channel, gap] of gaps) this.add('ahead', channel, gap);
  }

  #gapOf(channel: string): Gap {
    const [ahead, behind] = [this.ahead.get(channel), this.#behind.get(channel)];
    if (ahead === undefined || behind === undefined) return ahead ?? behind ?? { count: 0 };
    return joined(ahead, behind);
  }
}
