import { type Event, isObject, type JsonObject } from '../../protocol/message.ts';
import type { StoredEvent } from '../../ports/history-store.ts';

/** Where an event has its replay id: in `data.event`, in `ext`, or in both. */
export type Inject = 'both' | 'data' | 'ext';

/**
 * A copy of the event for subscribers of a durable channel, with its replay id and the time it was stored (RP-7). When
 * `data` cannot have them, the id is in `ext` (RP-8).
 */
export function withReplay(event: Event, { id, at }: Pick<StoredEvent, 'id' | 'at'>, inject: Inject): Event {
  const data = inject === 'ext' ? undefined : withEvent(event.data, id, at);
  if (data !== undefined && inject === 'data') return { ...event, data };
  return { ...event, ...(data !== undefined && { data }), ext: { ...event.ext, replayId: id } };
}

/** The data with `replayId` and `createdDate` in `data.event`; undefined when `data` cannot have them. */
function withEvent(data: unknown, replayId: number, at: number): JsonObject | undefined {
  if (!isObject(data)) return undefined;
  const existing = data.event ?? {};
  if (data.event === null || !isObject(existing)) return undefined;
  return { ...data, event: { ...existing, replayId, createdDate: new Date(at).toISOString() } };
}
