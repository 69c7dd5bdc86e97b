import { overLimit } from '../../protocol/over-limit.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Refusals } from '../refusals.ts';
import type { ServedSession } from '../../ports/feature.ts';

/** Above the limit, sessions are ended until this share of it is in use. */
const AFTERWARDS = 0.75;

interface Held {
  readonly session: ServedSession;
  readonly events: readonly OutgoingEvent[];
  readonly memory: number;
}

/**
 * Bounds the memory of the events that wait for all sessions together. An event that waits for many sessions is in memory once, so it is
 * counted once.
 *
 * Nothing is counted per delivery. The memory of each queued event is added to a sum, which is an upper bound of what waits. When the
 * sum exceeds the limit, the events that really wait are counted, and the sum begins anew with the result.
 */
export class Backlog {
  readonly #limit: number;
  readonly #sessions: Iterable<ServedSession>;
  readonly #clock: Clock;
  readonly #refusals: Refusals;
  #atMost = 0;
  #isCounting = false;

  constructor(limit: number, sessions: Iterable<ServedSession>, clock: Clock, refusals: Refusals) {
    this.#limit = limit;
    this.#sessions = sessions;
    this.#clock = clock;
    this.#refusals = refusals;
  }

  /** An event was queued to all its receivers. If it waits for any of them, only its text is kept. */
  queued(event: OutgoingEvent): void {
    if (!event.isEncoded) return;
    event.pack();
    this.#atMost += event.memory;
    if (this.#atMost <= this.#limit || this.#isCounting) return;
    this.#isCounting = true;
    // By the end of the turn, all events that could be sent were sent.
    this.#clock.soon(this.#count);
  }

  readonly #count = (): void => {
    this.#isCounting = false;
    const holders = new Map<OutgoingEvent, number>();
    const all = Array.from(this.#sessions, (session) => heldFor(session, holders));
    this.#atMost = 0;
    for (const event of holders.keys()) this.#atMost += event.memory;
    if (this.#atMost > this.#limit) this.#end(all, holders);
  };

  // Ends the sessions with the most memory first.
  #end(all: Held[], holders: Map<OutgoingEvent, number>): void {
    all.sort((left, right) => right.memory - left.memory);
    let ended = 0;
    for (const { session, events } of all) {
      if (this.#atMost <= this.#limit * AFTERWARDS) break;
      this.#atMost -= freed(events, holders);
      session.disconnect('overflow');
      ended += 1;
    }
    const why = `${overLimit('maxQueuedBytes', this.#limit)}; the sessions with the most waiting end`;
    this.#refusals.note('queues.full', { option: 'maxQueuedBytes', limit: this.#limit, why }, ended);
  }
}

function heldFor(session: ServedSession, holders: Map<OutgoingEvent, number>): Held {
  const events = session.outbox.all;
  let memory = 0;
  for (const event of events) {
    holders.set(event, (holders.get(event) ?? 0) + 1);
    memory += event.memory;
  }
  return { session, events, memory };
}

/** Memory that becomes free when one session lets go of these events: that of events which no other session holds. */
function freed(events: readonly OutgoingEvent[], holders: Map<OutgoingEvent, number>): number {
  let memory = 0;
  for (const event of events) {
    const left = (holders.get(event) ?? 1) - 1;
    holders.set(event, left);
    if (left === 0) memory += event.memory;
  }
  return memory;
}
