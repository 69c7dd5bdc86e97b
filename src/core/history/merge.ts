import type { EventLog } from './event-log.ts';
import type { StoredEvent } from './history-store.ts';

/** A place in one log, and the event that stands there. */
interface Cursor {
  readonly log: EventLog;
  position: number;
  event: StoredEvent;
}

/** Up to `limit` events of several logs with ids above `after`, by id. */
export function merge(logs: Iterable<EventLog>, after: number, limit: number): StoredEvent[] {
  const heap: Cursor[] = [];
  for (const log of logs) {
    const position = log.seek(after);
    const event = log.at(position);
    if (event !== undefined) heap.push({ log, position, event });
  }
  for (let at = (heap.length >>> 1) - 1; at >= 0; at -= 1) sink(heap, at);

  const found: StoredEvent[] = [];
  for (let first = heap[0]; first !== undefined && found.length < limit; first = heap[0]) {
    found.push(first.event);
    if (!advance(first)) drop(heap);
    sink(heap, 0);
  }
  return found;
}

function advance(cursor: Cursor): boolean {
  for (cursor.position += 1; cursor.position < cursor.log.end; cursor.position += 1) {
    const event = cursor.log.at(cursor.position);
    if (event === undefined) continue;
    cursor.event = event;
    return true;
  }
  return false;
}

// The last takes the place of the first.
function drop(heap: Cursor[]): void {
  const last = heap.pop();
  if (last !== undefined && heap.length > 0) heap[0] = last;
}

/** Moves a cursor down until none below it has a lower id. */
function sink(heap: Cursor[], from: number): void {
  const cursor = heap[from];
  if (cursor === undefined) return;
  let at = from;
  for (let child = lowerChild(heap, at); child !== undefined; child = lowerChild(heap, at)) {
    const below = heap[child];
    if (below === undefined || below.event.id >= cursor.event.id) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = cursor;
}

function lowerChild(heap: readonly Cursor[], of: number): number | undefined {
  const at = 2 * of + 1;
  const [left, right] = [heap[at], heap[at + 1]];
  if (left === undefined) return undefined;
  return right !== undefined && right.event.id < left.event.id ? at + 1 : at;
}
