import { LowestFirst, type Ranked } from '../../lib/lowest-first.ts';
import type { EventQueue } from './event-queue.ts';
import type { StoredEvent } from '../../ports/history-store.ts';

/** A position in one queue, and the event there. */
class Cursor implements Ranked {
  slot = 0;
  event: StoredEvent;
  readonly #queue: EventQueue;
  #position: number;

  constructor(queue: EventQueue, position: number, event: StoredEvent) {
    this.#queue = queue;
    this.#position = position;
    this.event = event;
  }

  get rank(): number {
    return this.event.id;
  }

  /** Moves to the next event; false when there is none. */
  advance(): boolean {
    this.#position += 1;
    const event = this.#queue.at(this.#position);
    if (event === undefined) return false;
    this.event = event;
    return true;
  }
}

/** Up to `limit` events of several queues with ids above `after`, in order of id. */
export function merge(queues: Iterable<EventQueue>, after: number, limit: number): StoredEvent[] {
  const cursors = new LowestFirst<Cursor>();
  for (const queue of queues) {
    const position = queue.seek(after);
    const event = queue.at(position);
    if (event !== undefined) cursors.add(new Cursor(queue, position, event));
  }
  const found: StoredEvent[] = [];
  for (let { first } = cursors; first !== undefined && found.length < limit; { first } = cursors) {
    found.push(first.event);
    if (first.advance()) cursors.moved(first);
    else cursors.remove(first);
  }
  return found;
}
