import { newest } from '../newest.ts';
import { nextTurn } from '../next-turn.ts';
import type { Ids } from './ids.ts';

/** Channels that are visited in one turn of the event loop. */
const CHUNK = 5000;

/** A stored event: its id and channel. */
export interface Place {
  readonly id: number;
  readonly channel: string;
}

/** A channel and its stored ids. */
export interface Kept {
  readonly name: string;
  readonly ids: Ids;
}

/** Id range of a page: `after` exclusive, `through` inclusive. */
export interface Span {
  readonly after: number;
  readonly through: number;
}

/** The first `limit` places of several channels within a span, in order of id. */
export async function pageOf(
  channels: readonly Kept[],
  { after, through }: Span,
  limit: number,
): Promise<Place[]> {
  let page: Place[] = [];
  for (const [at, { name, ids }] of channels.entries()) {
    // Other work goes on meanwhile.
    if (at > 0 && at % CHUNK === 0) await nextTurn();
    // A full page accepts only ids below its last one.
    const last = page.length < limit ? through : (page.at(-1)?.id ?? through);
    const more = ids.between(after, last, limit);
    if (more.length > 0) page = merge(page, more, name, limit);
  }
  return page;
}

/** The last `limit` places of several channels with ids below `before`, in order of id. */
export async function lastOf(
  channels: readonly Kept[],
  before: number,
  limit: number,
): Promise<readonly Place[]> {
  let page: readonly Place[] = [];
  for (let at = 0; at < channels.length; at += CHUNK) {
    if (at > 0) await nextTurn();
    const lists = channels
      .slice(at, at + CHUNK)
      .map(({ name, ids }) => ids.below(before, limit).map((id) => ({ id, channel: name })));
    page = newest([page, ...lists], limit);
  }
  return page;
}

function merge(page: readonly Place[], ids: readonly number[], channel: string, limit: number): Place[] {
  const merged: Place[] = [];
  let [left, right] = [0, 0];
  while (merged.length < limit) {
    const place = page[left];
    const id = ids[right];
    if (place !== undefined && (id === undefined || place.id < id)) {
      merged.push(place);
      left += 1;
    } else if (id !== undefined) {
      merged.push({ id, channel });
      right += 1;
    } else break;
  }
  return merged;
}
