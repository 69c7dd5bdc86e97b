import { type Gap, type GapsByChannel, gapBytes, joined, MAX_GAP_BYTES, withGaps } from '../../ports/gap.ts';
import type { Outbox, Pushed } from '../../ports/outbox.ts';
import type { Reply } from '../../protocol/message.ts';
import { OutgoingReply } from '../../protocol/outgoing.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';

/** From this batch on, seeing a batch means having seen all events before `end`, counted from the first event ever. */
interface Closing {
  readonly batch: number;
  readonly end: number;
}

/** Gaps that every reply from this batch on has told of. */
interface Told {
  readonly batch: number;
  readonly gaps: GapsByChannel;
}

/** How many are kept: past that, a client has long stopped listening to what it is sent. */
const MAX_CLOSINGS = 100;

/**
 * Keeps what was sent until a batch that brought it is acknowledged (AK-1 to AK-9).
 *
 *     gone │ a b c │ d e f │ g h
 *          │ sent  │ sent  │ never sent: a plain outbox, which alone may drop what it holds
 *          0       next                      take() goes on at next; a connect puts next back to 0
 *
 * A batch is closed when its connect reply leaves, and stands for the events taken for that very reply: whoever saw the reply
 * saw them. One that could carry no events stands for none, so nothing unseen is ever acknowledged.
 */
export class AckedOutbox implements Outbox {
  readonly #fresh: Outbox;
  readonly #sent: OutgoingEvent[] = [];
  #next = 0;
  #gone = 0;
  #batch = 0;
  #closings: Closing[] = [];
  #told: Told[] = [];
  // Where the events for the reply that leaves now begin.
  #from: number | undefined;
  readonly repeats = true;

  /** `fresh` holds what was never sent. */
  constructor(fresh: Outbox) {
    this.#fresh = fresh;
  }

  // It tells of gaps itself, in `sign`.
  readonly hasGaps = false;

  takeGaps(): GapsByChannel {
    return new Map();
  }

  putBackGaps(): void {}

  reserve(events: number, bytes: number): void {
    this.#fresh.reserve(events, bytes);
  }

  get size(): number {
    return this.#sent.length - this.#next + this.#fresh.size;
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

  take(maxBytes: number, maxCount: number, least: 0 | 1 = 1): readonly OutgoingEvent[] {
    this.#from ??= this.#next;
    const again = this.#again(maxBytes, maxCount, least);
    if (this.#next < this.#sent.length) return again;
    const left = again.reduce((bytes, event) => bytes - event.bytes - 1, maxBytes);
    const fresh = this.#fresh.take(left, maxCount - again.length, again.length === 0 ? least : 0);
    for (const event of fresh) if (!event.volatile || event.gap !== undefined) this.#keep(event);
    return again.length === 0 ? fresh : [...again, ...fresh];
  }

  /** Finds nothing to return where a connect has already put everything back. */
  putBack(events: readonly OutgoingEvent[]): void {
    const [first] = events;
    const at = first === undefined ? -1 : this.#sent.indexOf(first);
    if (at !== -1 && at < this.#next) this.#next = at;
  }

  /** Drops what the client has when it has seen this batch; all that was sent and is left goes again (AK-4, AK-6). */
  acknowledge(seen: number): void {
    const end = this.#closings.findLast(({ batch }) => batch <= seen)?.end ?? 0;
    if (end > this.#gone) this.#drop(end - this.#gone);
    this.#told = this.#told.filter(({ batch }) => batch > seen);
    this.#next = 0;
  }

  /** Closes the batch that this reply ends (AK-2). */
  sign(reply: Reply, maxBytes: number): Reply {
    this.#batch += 1;
    this.#note(this.#gone + (this.#from === 0 ? this.#next : 0));
    this.#from = undefined;
    if (reply.channel !== '/meta/connect') {
      return { ...reply, ext: { ...reply.ext, ack: { enabled: true, batch: this.#batch } } };
    }
    const signed = { ...reply, ext: { ...reply.ext, ack: this.#batch } };
    if (this.#told.length === 0 && !this.#fresh.hasGaps) return signed;
    const room = Math.min(maxBytes - new OutgoingReply(signed).bytes, MAX_GAP_BYTES);
    const gaps = this.#tell(room);
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

  // AK-9: what was sent takes room like what waits.
  #keep(event: OutgoingEvent): void {
    this.#sent.push(event);
    this.#next += 1;
    if (!event.replayed) this.#fresh.reserve(1, event.bytes);
  }

  #drop(count: number): void {
    for (const event of this.#sent.splice(0, count)) {
      if (!event.replayed) this.#fresh.reserve(-1, -event.bytes);
    }
    this.#gone += count;
    // The first one kept tells what any batch since then stands for; older batches stand for nothing that is left.
    while ((this.#closings[0]?.end ?? Number.POSITIVE_INFINITY) <= this.#gone) this.#closings.shift();
  }

  // A run of batches that stand for the same takes one place.
  #note(end: number): void {
    const last = this.#closings.at(-1)?.end ?? this.#gone;
    if (last === end) return;
    this.#closings.push({ batch: this.#batch, end });
    if (this.#closings.length > MAX_CLOSINGS) this.#closings.shift();
  }

  // Each reply tells again of the gaps that no acknowledged reply has told of, so that any that is seen will do.
  #tell(maxBytes: number): GapsByChannel {
    if (this.#next === this.#sent.length && this.#fresh.hasGaps) this.#tellMore(maxBytes);
    const gaps = together(this.#told);
    if (gapBytes(gaps) <= maxBytes) return gaps;
    // This reply has no room for them: its acknowledgement must not count for them.
    this.#told = [{ batch: this.#batch + 1, gaps }];
    return new Map();
  }

  #tellMore(maxBytes: number): void {
    const gaps = this.#fresh.takeGaps(maxBytes - gapBytes(together(this.#told)));
    if (gaps.size === 0) return;
    this.#told.push({ batch: this.#batch, gaps });
    const [first, second] = this.#told;
    if (this.#told.length > MAX_CLOSINGS && first !== undefined && second !== undefined) {
      this.#told.splice(0, 2, { batch: second.batch, gaps: together([first, second]) });
    }
  }
}

function together(told: readonly Told[]): GapsByChannel {
  const all = new Map<string, Gap>();
  for (const { gaps } of told) {
    for (const [channel, gap] of gaps) {
      const before = all.get(channel);
      all.set(channel, before === undefined ? gap : joined(before, gap));
    }
  }
  return all;
}
