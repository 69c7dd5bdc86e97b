import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Refusals } from '../refusals.ts';
import type { ServedSession } from '../../ports/feature.ts';

/** Once there is too much, sessions end until so much of the limit is left in use. */
const AFTERWARDS = 0.75;

interface Held {
  readonly session: ServedSession;
  readonly events: readonly OutgoingEvent[];
  readonly memory: number;
}

/**
 * Bounds what waits for all sessions together. An event that waits for many is held once, so its memory is counted once.
 *
 * Nothing is counted per delivery. Added up is what was queued, each event once; as much as that may wait at most. When it is more
 * than the limit, what really waits is counted, and the sum begins there anew.
 */
export class Backlog {
  readonly #limit: number;
  readonly #sessions: Iterable<ServedSession>;
  readonly #clock: Clock;
  readonly #refusals: Refusals;
  #atMost = 0;
  #isDue = false;

  constructor(limit: number, sessions: Iterable<ServedSession>, clock: Clock, refusals: Refusals) {
    this.#limit = limit;
    this.#sessions = sessions;
    this.#clock = clock;
    this.#refusals = refusals;
  }

  /** An event was given to all who get it. Where it waits for anybody, only its text is kept. */
  queued(event: OutgoingEvent): void {
    if (!event.isEncoded) return;
    event.pack();
    this.#atMost += event.memory;
    if (this.#atMost <= this.#limit || this.#isDue) return;
    this.#isDue = true;
    // By then what could be sent was sent.
    this.#clock.soon(this.#count);
  }

  readonly #count = (): void => {
    this.#isDue = false;
    const holders = new Map<OutgoingEvent, number>();
    const all = Array.from(this.#sessions, (session) => heldFor(session, holders));
    this.#atMost = 0;
    for (const event of holders.keys()) this.#atMost += event.memory;
    if (this.#atMost > this.#limit) this.#end(all, holders);
  };

  // Those go for whom most waits.
  #end(all: Held[], holders: Map<OutgoingEvent, number>): void {
    all.sort((one, other) => other.memory - one.memory);
    let ended = 0;
    for (const { session, events } of all) {
      if (this.#atMost <= this.#limit * AFTERWARDS) break;
      this.#atMost -= freed(events, holders);
      session.disconnect('overflow');
      ended += 1;
    }
    this.#refusals.note('queues.full', { option: 'maxQueuedBytes', limit: this.#limit }, ended);
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

/** The memory of those that nobody else holds, when these are let go. */
function freed(events: readonly OutgoingEvent[], holders: Map<OutgoingEvent, number>): number {
  let memory = 0;
  for (const event of events) {
    const left = (holders.get(event) ?? 1) - 1;
    holders.set(event, left);
    if (left === 0) memory += event.memory;
  }
  return memory;
}
