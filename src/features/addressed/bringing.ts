import { andThen, type MaybePromise, recover } from '../../lib/maybe-promise.ts';
import type { KeptRecord } from '../../ports/feature.ts';
import { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { deliveredTo, type KeptMessage, type KeptParts, messagesOf } from './kept-parts.ts';
import type { Receiver } from './receiver.ts';
import { Tracked } from './tracked.ts';

/** Messages that are read and queued at once. */
const PAGE = 50;

/** Ids of delivered messages that are read at once. */
const MARKS = 1000;

/** What a `Bringing` tells of its messages. */
export interface BringingOwner {
  /** These messages reached a session of the user: no other session gets them. */
  delivered(user: string, ids: readonly number[]): void;
  /** All kept messages were handed over. */
  finished(bringing: Bringing): void;
  /** The store failed. */
  failed(user: string, error: unknown): undefined;
}

/** Brings the kept messages of a user to one session: a page at a time, in order, the next when the last was handed over. */
export class Bringing {
  readonly receiver: Receiver;
  readonly #owner: BringingOwner;
  readonly #parts: KeptParts;
  // Ids of messages that were handed over before; undefined until they are read.
  #delivered: ReadonlySet<number> | undefined;
  readonly #pending = new Set<KeptEvent>();
  #handedOver: number[] = [];
  #after = 0;
  #isReading = false;
  #hasMore = true;
  // Whether the session will not get all that was queued.
  #hasLost = false;
  // Whether a message was kept while a page was read that may not have it.
  #readsAgain = false;

  constructor(receiver: Receiver, owner: BringingOwner, parts: KeptParts) {
    this.receiver = receiver;
    this.#owner = owner;
    this.#parts = parts;
  }

  /** Whether messages are still to be read. */
  get isReading(): boolean {
    return this.#isReading || this.#hasMore;
  }

  /** Reads the next page and queues it. Does nothing while a page is read or on its way. */
  readOn(): MaybePromise<void> {
    this.#hasMore = true;
    this.#readsAgain ||= this.#isReading;
    if (this.#isReading || this.#pending.size > 0 || !this.#hasRoom) return;
    this.#isReading = true;
    const { user } = this.receiver;
    return recover<void>(
      () => andThen(this.#page(), (page) => this.#queue(page)),
      (error) => {
        this.#isReading = this.#hasMore = false;
        this.#owner.finished(this);
        return this.#owner.failed(user, error);
      },
    );
  }

  /** The session has ended. True if messages are left. */
  end(): boolean {
    this.#mark();
    return this.#hasLost || this.isReading;
  }

  handedOver(event: KeptEvent): void {
    this.#handedOver.push(event.id);
    this.#done(event);
  }

  lost(event: KeptEvent): void {
    this.#hasLost = true;
    this.#done(event);
  }

  #done(event: KeptEvent): void {
    if (!this.#pending.delete(event) || this.#pending.size > 0 || this.#isReading) return;
    this.#goOn();
  }

  // A client that confirms events may be slow to do so: what it was sent stays in memory until then.
  get #hasRoom(): boolean {
    const { kept = 0 } = this.receiver.session.outbox;
    return kept <= PAGE;
  }

  #goOn(): void {
    this.#mark();
    if (this.receiver.isGone) return;
    if (this.#hasMore) void this.readOn();
    else this.#owner.finished(this);
  }

  #page(): MaybePromise<readonly KeptRecord[]> {
    const name = messagesOf(this.receiver.user);
    return andThen(this.#knownDelivered(), () => this.#parts.records.read(name, this.#after, PAGE));
  }

  #knownDelivered(): MaybePromise<void> {
    if (this.#delivered !== undefined) return;
    return andThen(this.#readMarks(0, new Set()), (ids) => {
      this.#delivered = ids;
    });
  }

  #readMarks(after: number, ids: Set<number>): MaybePromise<ReadonlySet<number>> {
    return andThen(this.#parts.records.read(deliveredTo(this.receiver.user), after, MARKS), (page) => {
      for (const { json } of page) for (const id of idsIn(json)) ids.add(id);
      const last = page.at(-1);
      return last === undefined || page.length < MARKS ? ids : this.#readMarks(last.id, ids);
    });
  }

  #queue(page: readonly KeptRecord[]): void {
    const now = this.#parts.clock.now();
    this.#after = page.at(-1)?.id ?? this.#after;
    this.#hasMore = page.length === PAGE || this.#readsAgain;
    this.#readsAgain = false;
    for (const { id, json } of page) {
      if (this.receiver.isGone) break;
      if (this.#delivered?.has(id) || this.receiver.waitsToo.has(id)) continue;
      const { until, event, reader }: KeptMessage = JSON.parse(json);
      if (until > now) this.#queueOne(new KeptEvent(id, event.data, this, reader), event);
    }
    this.#isReading = false;
    if (this.#pending.size === 0) this.#goOn();
  }

  // Read from the store as there is room: it does not count as waiting.
  #queueOne(kept: KeptEvent, event: KeptMessage['event']): void {
    this.#pending.add(kept);
    this.receiver.queue(new OutgoingEvent(event, { replayed: true, tag: kept }), kept);
  }

  #mark(): void {
    const ids = this.#handedOver;
    this.#handedOver = [];
    if (ids.length > 0) this.#owner.delivered(this.receiver.user, ids);
  }

  /** The client confirmed the message. */
  confirmed(message: string, reader: string | undefined): void {
    this.#parts.reads.read(message, this.receiver.user, reader);
  }
}

/** A kept message on its way to the one session that gets it. */
class KeptEvent extends Tracked {
  readonly id: number;
  readonly #message: string;
  readonly #bringing: Bringing;
  readonly #reader: string | undefined;

  constructor(id: number, data: unknown, bringing: Bringing, reader: string | undefined) {
    super();
    this.id = id;
    this.#message = messageId(data);
    this.#bringing = bringing;
    this.#reader = reader;
  }

  handedOver(): void {
    this.#bringing.handedOver(this);
  }

  lost(): void {
    this.#bringing.lost(this);
  }

  forget(): boolean {
    return false;
  }

  confirmed(): void {
    this.#bringing.confirmed(this.#message, this.#reader);
  }
}

function messageId(data: unknown): string {
  return typeof data === 'object' && data !== null && 'id' in data ? String(data.id) : '';
}

function idsIn(json: string): readonly number[] {
  const ids: unknown = JSON.parse(json);
  return Array.isArray(ids) ? ids : [];
}
