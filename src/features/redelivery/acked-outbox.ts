import { type Gap, type GapsByChannel, gapBytes, joined, MAX_GAP_BYTES, withGaps } from '../../ports/gap.ts';
import type { Outbox, Pushed } from '../../ports/outbox.ts';
import type { Reply } from '../../protocol/message.ts';
import { OutgoingReply } from '../../protocol/outgoing.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';

/** A client that has seen this batch or a later one has all events before `end`, counted from the first event ever. */
interface Closing {
  readonly batch: number;
  readonly end: number;
}

/** Gaps that every reply since this batch has reported. */
interface ReportedGaps {
  readonly batch: number;
  readonly gaps: GapsByChannel;
}

const none: readonly OutgoingEvent[] = [];

/** Most entries kept. A client with more has not acknowledged anything for a long time. */
const MAX_CLOSINGS = 100;

/**
 * Keeps sent events until the client acknowledges a batch that contained them (AK-1 to AK-9).
 *
 *     gone │ a b c │ d e f │ g h
 *          │ sent  │ sent  │ never sent: a plain outbox, which alone may drop events
 *          0       next                      take() continues at next; a connect sets next back to 0
 *
 * Sending a connect reply closes a batch. The batch covers exactly the events taken for that reply, so acknowledging it
 * acknowledges those events and no others. The batch of a reply that could not carry events covers none.
 */
export class AckedOutbox implements Outbox {
  readonly #fresh: Outbox;
  // Never changed, but replaced: it may be the array that all sessions with these events share.
  #sent: readonly OutgoingEvent[] = none;
  #next = 0;
  #gone = 0;
  #batch = 0;
  #closings: Closing[] = [];
  #reported: ReportedGaps[] = [];
  // Position of the first event for the reply that is being sent.
  #from: number | undefined;
  readonly repeats = true;

  /** `fresh` holds events that were never sent. */
  constructor(fresh: Outbox) {
    this.#fresh = fresh;
  }

  // `sign` reports the gaps.
  readonly hasGaps = false;

  takeGaps(): GapsByChannel {
    return new Map();
  }

  putBackGaps(): void {}

  missed(): void {
    this.#fresh.missed();
  }

  reserve(events: number, bytes: number): void {
    this.#fresh.reserve(events, bytes);
  }

  get size(): number {
    return this.#sent.length - this.#next + this.#fresh.size;
  }

  get bytes(): number {
    return this.#sent.slice(this.#next).reduce((sum, { bytes }) => sum + bytes, this.#fresh.bytes);
  }

  get kept(): number {
    return this.#sent.length + this.#fresh.size;
  }

  get all(): readonly OutgoingEvent[] {
    return [...this.#sent, ...this.#fresh.all];
  }

  get urgent(): number {
    return this.#sent.length - this.#next + this.#fresh.urgent;
  }

  push(event: OutgoingEvent): Pushed {
    return this.#fresh.push(event);
  }

  removeVolatile(): readonly OutgoingEvent[] {
    return this.#fresh.removeVolatile();
  }

  take(maxBytes: number, maxCount: number, least: 0 | 1 = 1): readonly OutgoingEvent[] {
    this.#from ??= this.#next;
    const again = this.#again(maxBytes, maxCount, least);
    if (this.#next < this.#sent.length) return again;
    const left = again.reduce((bytes, event) => bytes - event.bytes - 1, maxBytes);
    const fresh = this.#fresh.take(left, maxCount - again.length, again.length === 0 ? least : 0);
    this.#keep(fresh);
    return again.length === 0 ? fresh : [...again, ...fresh];
  }

  /** Does nothing when a connect has already put everything back. */
  putBack(events: readonly OutgoingEvent[]): void {
    const [first] = events;
    const at = first === undefined ? -1 : this.#sent.indexOf(first);
    if (at !== -1 && at < this.#next) this.#next = at;
  }

  /** Drops and returns the events that a client with this batch has. All other sent events are sent again (AK-4, AK-6). */
  acknowledge(seen: number): readonly OutgoingEvent[] {
    const end = this.#closings.findLast(({ batch }) => batch <= seen)?.end ?? 0;
    const had = this.#drop(Math.max(0, end - this.#gone));
    this.#reported = this.#reported.filter(({ batch }) => batch > seen);
    this.#next = 0;
    return had;
  }

  /** Closes the batch of this reply (AK-2). */
  sign(reply: Reply, maxBytes: number): Reply {
    this.#batch += 1;
    this.#note(this.#gone + (this.#from === 0 ? this.#next : 0));
    this.#from = undefined;
    if (reply.channel !== '/meta/connect') return withAck(reply, { enabled: true, batch: this.#batch });
    const signed = withAck(reply, this.#batch);
    if (this.#reported.length === 0 && !this.#fresh.hasGaps) return signed;
    const room = Math.min(maxBytes - new OutgoingReply(signed).bytes, MAX_GAP_BYTES);
    const gaps = this.#gapsWithin(room);
    return gaps.size === 0 ? signed : withGaps(signed, gaps);
  }

  #again(maxBytes: number, maxCount: number, least: 0 | 1): OutgoingEvent[] {
    const taken: OutgoingEvent[] = [];
    let bytes = 0;
    while (taken.length < maxCount) {
      const event = this.#sent[this.#next];
      if (event === undefined) break;
      bytes += event.bytes + 1;
      if (taken.length >= least && bytes > maxBytes) break;
      taken.push(event);
      this.#next += 1;
    }
    return taken;
  }

  // AK-9: sent events count against the limits, like events that wait.
  #keep(fresh: readonly OutgoingEvent[]): void {
    const kept = fresh.some(isVolatile) ? fresh.filter((event) => !event.volatile) : fresh;
    if (kept.length === 0) return;
    this.#sent = this.#sent.length === 0 ? kept : [...this.#sent, ...kept];
    this.#next += kept.length;
    this.#reserve(kept, 1);
  }

  #reserve(events: readonly OutgoingEvent[], sign: 1 | -1): void {
    let count = 0;
    let bytes = 0;
    for (const event of events) {
      if (event.replayed) continue;
      count += sign;
      bytes += sign * event.bytes;
    }
    this.#fresh.reserve(count, bytes);
  }

  #drop(count: number): readonly OutgoingEvent[] {
    if (count === 0) return none;
    const isAll = count >= this.#sent.length;
    const dropped = isAll ? this.#sent : this.#sent.slice(0, count);
    this.#sent = isAll ? none : this.#sent.slice(count);
    this.#reserve(dropped, -1);
    this.#gone += count;
    // Removes batches that cover only events that are gone.
    while ((this.#closings[0]?.end ?? Number.POSITIVE_INFINITY) <= this.#gone) this.#closings.shift();
    return dropped;
  }

  // Successive batches that cover the same events share one entry.
  #note(end: number): void {
    const last = this.#closings.at(-1)?.end ?? this.#gone;
    if (last === end) return;
    this.#closings.push({ batch: this.#batch, end });
    if (this.#closings.length > MAX_CLOSINGS) this.#closings.shift();
  }

  // Repeats unacknowledged gaps in every reply, so that any one reply that arrives is enough.
  #gapsWithin(maxBytes: number): GapsByChannel {
    if (this.#next === this.#sent.length && this.#fresh.hasGaps) this.#takeNewGaps(maxBytes);
    const gaps = merged(this.#reported);
    if (gapBytes(gaps) <= maxBytes) return gaps;
    // This reply has no room for the gaps: its acknowledgement must not cover them.
    this.#reported = [{ batch: this.#batch + 1, gaps }];
    return new Map();
  }

  #takeNewGaps(maxBytes: number): void {
    const gaps = this.#fresh.takeGaps(maxBytes - gapBytes(merged(this.#reported)));
    if (gaps.size === 0) return;
    this.#reported.push({ batch: this.#batch, gaps });
    const [first, second] = this.#reported;
    if (this.#reported.length > MAX_CLOSINGS && first !== undefined && second !== undefined) {
      this.#reported.splice(0, 2, { batch: second.batch, gaps: merged([first, second]) });
    }
  }
}

function merged(reported: readonly ReportedGaps[]): GapsByChannel {
  const all = new Map<string, Gap>();
  for (const { gaps } of reported) {
    for (const [channel, gap] of gaps) {
      const before = all.get(channel);
      all.set(channel, before === undefined ? gap : joined(before, gap));
    }
  }
  return all;
}

function isVolatile({ volatile }: OutgoingEvent): boolean {
  return volatile;
}

// V8 takes ten times as long to copy an object whole and then add a property as to spread it behind others.
function withAck(reply: Reply, ack: unknown): Reply {
  const { id, channel, ext } = reply;
  return { id, channel, ...reply, ext: ext === undefined ? { ack } : { ...ext, ack } };
}
