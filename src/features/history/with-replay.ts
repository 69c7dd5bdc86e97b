import { type Event, isObject, type JsonObject } from '../../protocol/message.ts';
import type { StoredEvent } from '../../ports/history-store.ts';

/** Where an event says its replay id: in `data.event`, in `ext`, or in both. */
export type Inject = 'both' | 'data' | 'ext';

/**
 * The event as subscribers of a durable channel get it: with its replay id and the time it was stored (RP-7). Where `data` has
 * no room for them, the id is in `ext` (RP-8). The event given is left as it is.
 */
export function withReplay(event: Event, { id, at }: Pick<StoredEvent, 'id' | 'at'>, inject: Inject): Event {
  const data = inject === 'ext' ? undefined : withEvent(event.data, id, at);
  if (data !== undefined && inject === 'data') return { ...event, data };
  return { ...event, ...(data !== undefined && { data }), ext: { ...event.ext, replayId: id } };
}

/** The data with what it says of its event; undefined where that cannot be said. */
function withEvent(data: unknown, replayId: number, at: number): JsonObject | undefined {
  if (!isObject(data)) return undefined;
  const said = data.event ?? {};
  if (data.event === null || !isObject(said)) return undefined;
  return { ...data, event: { ...said, replayId, createdDate: new Date(at).toISOString() } };
}
