import { UsageError } from '../../lib/usage-error.ts';
import type { HistoryPage, HistoryQuery, PastEvent } from '../../ports/history-page.ts';
import type { StoredEvent } from '../../ports/history-store.ts';
import type { History } from './history.ts';

/** Largest text of a page, about: events are added until it is exceeded. Bytes. */
const MAX_BYTES = 1_048_576;

/** The largest `limit`. Events. */
const MAX_EVENTS = 1000;

/** Reads a page. Throws `UsageError` for a bad query. */
export async function pageOf(
  history: History,
  pattern: string,
  { after, limit = 100 }: HistoryQuery,
): Promise<HistoryPage> {
  if (after !== undefined && !(Number.isSafeInteger(after) && after >= 0))
    throw new UsageError(`after must be the id of an event, got ${after}`);
  if (!(Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_EVENTS))
    throw new UsageError(`limit must be a number from 1 to ${MAX_EVENTS}, got ${limit}`);
  const { events, isLast } = await history.page(pattern, after ?? 0, limit, MAX_BYTES);
  const last = events.at(-1);
  const page = {
    events: events.map(pastEvent),
    ...(!isLast && last !== undefined && { next: last.id }),
  };
  if (after === undefined) return page;
  // Read after the page: what was discarded meanwhile may be missing on it.
  const { discardedThrough } = await history.range(pattern);
  return { ...page, recovered: discardedThrough <= after && after <= history.newest };
}

function pastEvent({ id, at, json }: StoredEvent): PastEvent {
  return { id, at, ...JSON.parse(json) };
}
