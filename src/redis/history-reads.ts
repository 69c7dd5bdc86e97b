import { matcher } from '../channels/channel-names.ts';
import type { HistoryRange, StoredEvent } from '../ports/history-store.ts';
import type { RedisConnection } from './connection/redis-connection.ts';
import type { Keys } from './keys.ts';
import { entriesOf, listOf, numberOf, pairsOf, type StreamEntry, textOf } from './reply.ts';

/** Entries of the index, or channels, that are looked at in one command. */
const PAGE = 500;

/** Up to `limit` entries of a stream that follow the id `from`, in one direction. */
type Page = (key: string, from: number, limit: number) => Promise<StreamEntry[]>;

/** Reads the history of durable channels. Nothing here changes Redis, and each command takes a page at most. */
export class HistoryReads {
  readonly #connection: RedisConnection;
  readonly #keys: Keys;

  constructor(connection: RedisConnection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  /** The highest id issued, or where ids begin. */
  async newest(): Promise<number> {
    return numberOf(await this.#connection.send(['HGET', this.#keys.meta, 'id']));
  }

  /** Up to `limit` events with ids above `after`, from the channels that `pattern` matches, in order of id. */
  read(pattern: string, after: number, limit: number): Promise<StoredEvent[]> {
    return this.#find(pattern, after, limit, this.#above);
  }

  /** Up to `limit` events with the highest ids below `before`, from the channels that `pattern` matches, in order of id. */
  async last(pattern: string, before: number, limit: number): Promise<StoredEvent[]> {
    return (await this.#find(pattern, before, limit, this.#below)).reverse();
  }

  /** The stored range of the channels that a name or pattern matches. */
  range(pattern: string): Promise<HistoryRange> {
    return pattern.endsWith('*') ? this.#rangeOfPattern(pattern) : this.#rangeOfName(pattern);
  }

  /** Pages of the channels that have a history. A channel may come twice. */
  async *channels(): AsyncGenerator<readonly string[]> {
    for await (const page of this.#discarded()) yield page.map(([channel]) => channel);
  }

  async #rangeOfName(channel: string): Promise<HistoryRange> {
    const [score, first, forgotten] = await Promise.all([
      this.#connection.send(['ZSCORE', this.#keys.historyChannels, channel]),
      this.#above(this.#keys.history(channel), -1, 1),
      this.#forgottenThrough(channel),
    ]);
    const oldest = first[0] && idOf(first[0]);
    const discardedThrough = score === null ? forgotten : Math.max(numberOf(score), await this.#lost());
    return { discardedThrough, ...(oldest !== undefined && { oldest }) };
  }

  async #rangeOfPattern(pattern: string): Promise<HistoryRange> {
    const matches = matcher(pattern);
    let discardedThrough = await this.#forgottenThrough(pattern);
    for await (const page of this.#discarded()) {
      for (const [channel, id] of page) if (id > discardedThrough && matches(channel)) discardedThrough = id;
    }
    const [oldest] = await this.read(pattern, -1, 1);
    return { discardedThrough, ...(oldest !== undefined && { oldest: oldest.id }) };
  }

  /** The highest id that may have been discarded from a forgotten channel that a name or pattern matches. */
  async #forgottenThrough(pattern: string): Promise<number> {
    const place = pattern.slice(0, pattern.lastIndexOf('/'));
    const [floor, here, lost] = await Promise.all([
      this.#connection.send(['HGET', this.#keys.meta, 'floor']),
      this.#connection.send(['HGET', this.#keys.forgotten, place]),
      this.#lost(),
    ]);
    let highest = Math.max(numberOf(floor), here === null ? 0 : numberOf(here), lost);
    if (!pattern.endsWith('/**')) return highest;
    for (const [other, id] of pairsOf(await this.#connection.send(['HGETALL', this.#keys.forgotten]))) {
      if (other.startsWith(`${place}/`)) highest = Math.max(highest, Number(id));
    }
    return highest;
  }

  /** The highest id that Redis may have lost, whatever the channel. */
  async #lost(): Promise<number> {
    return numberOf((await this.#connection.send(['HGET', this.#keys.meta, 'lost'])) ?? 0);
  }

  // In the order in which `page` reads.
  async #find(pattern: string, from: number, limit: number, page: Page): Promise<StoredEvent[]> {
    if (!pattern.endsWith('*')) {
      const entries = await page(this.#keys.history(pattern), from, limit);
      return entries.map((entry) => storedOf(pattern, entry));
    }
    const found: StoredEvent[] = [];
    for await (const ids of this.#matching(pattern, from, page)) {
      for (let at = 0; at < ids.length && found.length < limit; ) {
        const wanted = ids.slice(at, at + limit - found.length);
        at += wanted.length;
        found.push(...(await this.#events(wanted)));
      }
      if (found.length === limit) break;
    }
    return found;
  }

  // Ids and channels by the index. Their events may be gone.
  async *#matching(
    pattern: string,
    from: number,
    page: Page,
  ): AsyncGenerator<readonly (readonly [number, string])[]> {
    const matches = matcher(pattern);
    let reached = from;
    for (;;) {
      const entries = await page(this.#keys.historyIndex, reached, PAGE);
      const ids = entries.map((entry) => [idOf(entry), entry.fields[0]?.[1] ?? ''] as const);
      yield ids.filter(([, channel]) => matches(channel));
      if (entries.length < PAGE) return;
      reached = ids.at(-1)?.[0] ?? reached;
    }
  }

  // All commands of a page are on their way together.
  async #events(ids: readonly (readonly [number, string])[]): Promise<StoredEvent[]> {
    const found = await Promise.all(
      ids.map(async ([id, channel]) => {
        const entries = await this.#above(this.#keys.history(channel), id - 1, 1);
        const [entry] = entries;
        return entry !== undefined && idOf(entry) === id ? [storedOf(channel, entry)] : [];
      }),
    );
    return found.flat();
  }

  async *#discarded(): AsyncGenerator<(readonly [string, number])[]> {
    let cursor = '0';
    do {
      const scanned = await this.#connection.send([
        'ZSCAN',
        this.#keys.historyChannels,
        cursor,
        'COUNT',
        String(PAGE),
      ]);
      const [next, page] = listOf(scanned);
      yield pairsOf(page).map(([channel, id]) => [channel, Number(id)] as const);
      cursor = textOf(next);
    } while (cursor !== '0');
  }

  readonly #above: Page = async (key, after, limit) => {
    const from = `${after + 1}-0`;
    return entriesOf(await this.#connection.send(['XRANGE', key, from, '+', 'COUNT', String(limit)]));
  };

  readonly #below: Page = async (key, before, limit) => {
    if (before <= 0) return [];
    const from = `${before - 1}-0`;
    return entriesOf(await this.#connection.send(['XREVRANGE', key, from, '-', 'COUNT', String(limit)]));
  };
}

const idOf = ({ id }: StreamEntry): number => Number(id.slice(0, id.indexOf('-')));

function storedOf(channel: string, entry: StreamEntry): StoredEvent {
  const fields = new Map(entry.fields);
  return { id: idOf(entry), channel, at: Number(fields.get('at')), json: fields.get('e') ?? '' };
}
