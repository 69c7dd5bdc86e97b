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
  { after, limit: given, last }: HistoryQuery,
): Promise<HistoryPage> {
  if (last !== undefined) return lastOf(history, pattern, { after, limit: given, last });
  const limit = given ?? 100;
  if (after !== undefined && !(Number.isSafeInteger(after) && after >= 0))
    throw new UsageError(`after must be the id of an event, got ${after}`);
  checkCount('limit', limit);
  const { events, isLast } = await history.page(pattern, after ?? 0, limit, MAX_BYTES);
  const final = events.at(-1);
  const page = {
    events: events.map(pastEvent),
    ...(!isLast && final !== undefined && { next: final.id }),
  };
  if (after === undefined) return page;
  // Read after the page: what was discarded meanwhile may be missing on it.
  const { discardedThrough } = await history.range(pattern);
  return { ...page, recovered: discardedThrough <= after && after <= history.newest };
}

async function lastOf(
  history: History,
  pattern: string,
  query: HistoryQuery & { readonly last: number },
): Promise<HistoryPage> {
  const { after, limit, last } = query;
  checkCount('last', last);
  if ((after ?? limit) !== undefined) throw new UsageError('last excludes after and limit: leave them out');
  const events = await history.last(pattern, last, MAX_BYTES);
  return { events: events.map(pastEvent) };
}

function checkCount(name: 'limit' | 'last', value: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= MAX_EVENTS) return;
  throw new UsageError(`${name} must be a number from 1 to ${MAX_EVENTS}, got ${value}`);
}

function pastEvent({ id, at, json }: StoredEvent): PastEvent {
  return { id, at, ...JSON.parse(json) };
}
