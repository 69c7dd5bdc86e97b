import type { Clock, Timer } from '../../lib/clock.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Reads } from './read-receipts.ts';
import { type Recipient, Tracked } from './tracked.ts';

/** What became of a message for one user by the time of the reply (AD-5). */
export type Outcome = 'delivered' | 'queued' | 'offline' | 'denied';

/** Notes that kept messages were handed over. */
interface KeptMarks {
  delivered(user: string, ids: readonly number[]): void;
}

/** Longest time for which the reply waits until a connection that took a message has handed it over. Milliseconds. */
const PATIENCE = 250;

/** A message on its way to the sessions of its receivers. */
export class Message extends Tracked {
  readonly id: string;
  readonly #reads: Reads;
  readonly #kept: KeptMarks | undefined;
  /** Users whose session got the message. */
  readonly delivered = new Set<string>();
  /** Sessions in whose queue the message is. */
  readonly waiting = new Set<Recipient>();
  // Sessions that can take the message in this turn, and have not been heard of.
  readonly #soon = new Set<Recipient>();
  // Ids under which the message is kept, by user.
  #records: Map<string, number> | undefined;
  #settled: (() => void) | undefined;

  constructor(id: string, reads: Reads, kept: KeptMarks | undefined) {
    super();
    this.id = id;
    this.#reads = reads;
    this.#kept = kept;
  }

  /** Queues the event of the message to this session. False if the session will not get it. */
  queueTo(receiver: Recipient, event: OutgoingEvent): boolean {
    this.waiting.add(receiver);
    if (receiver.session.takesNow) this.#soon.add(receiver);
    return receiver.queue(event, this);
  }

  /** The message is kept for this user too. Whether it waits in the queue of a session of the user. */
  keptAs(user: string, id: number): boolean {
    let isWaiting = false;
    for (const receiver of this.waiting) {
      if (receiver.user !== user) continue;
      receiver.waitsToo.add(id);
      isWaiting = true;
    }
    if (isWaiting) {
      this.#records ??= new Map();
      this.#records.set(user, id);
    }
    return isWaiting;
  }

  handedOver(receiver: Recipient): void {
    this.delivered.add(receiver.user);
    const record = this.#records?.get(receiver.user);
    if (record !== undefined) {
      receiver.waitsToo.delete(record);
      this.#records?.delete(receiver.user);
      this.#kept?.delivered(receiver.user, [record]);
    }
    this.#done(receiver);
  }

  lost(receiver: Recipient): void {
    const record = this.#records?.get(receiver.user);
    if (record !== undefined) receiver.waitsToo.delete(record);
    this.#done(receiver);
  }

  forget(receiver: Recipient): boolean {
    this.lost(receiver);
    return true;
  }

  /** The sender has its answer: from now on only sessions of users for whom the message is kept are followed. */
  answered(): void {
    this.delivered.clear();
    for (const receiver of this.waiting) {
      if (this.#records?.has(receiver.user)) continue;
      this.waiting.delete(receiver);
      receiver.forget(this);
    }
  }

  confirmed(receiver: Recipient): void {
    this.#reads.read(this.id, receiver.user);
  }

  /** Resolves when each session that could take the message at once has done so, or after a short time. */
  settled(clock: Clock): Promise<void> | undefined {
    if (this.#soon.size === 0) return undefined;
    return new Promise((resolve) => {
      const timer: Timer = clock.after(PATIENCE, resolve);
      this.#settled = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Users in whose queues the message is. */
  get queuedFor(): ReadonlySet<string> {
    return new Set(Array.from(this.waiting, ({ user }) => user));
  }

  #done(receiver: Recipient): void {
    this.waiting.delete(receiver);
    if (this.#soon.delete(receiver) && this.#soon.size === 0) this.#settled?.();
  }
}
