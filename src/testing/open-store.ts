import type {
  HistorySettings,
  HistoryStore,
  HistoryRange,
  Retention,
  StoredEvent,
} from '../ports/history-store.ts';

/** A store, and how to come back to what it keeps. */
export interface HistoryStoreUnderTest {
  /** Holds nothing, and is not open yet. */
  readonly store: HistoryStore;
  /** Gives a store that has all that the first one kept, and is not open yet. Called when the first is closed. */
  reopen(): HistoryStore;
  /** Removes what is left of it. Called when the store is closed. */
  dispose?(): Promise<void>;
}

/** Makes stores to be tested, each of its own. */
export type MakeStore = () => HistoryStoreUnderTest | Promise<HistoryStoreUnderTest>;

/** When a store under test is opened. Epoch milliseconds. */
export const TODAY = Date.UTC(2026, 2, 1, 12);

const retentions: Readonly<Record<string, Retention>> = {
  '/a': { maxEvents: 3, maxAge: 1000 },
  '/a/x': { maxEvents: 5, maxAge: 2000 },
  '/a/x/deep': { maxEvents: 100, maxAge: 3000 },
  '/b/x': { maxEvents: 2, maxAge: 500 },
};
const plenty: Retention = { maxEvents: 1000, maxAge: 86_400_000 };

/** What a store under test keeps of a channel. */
export const retentionOf = (channel: string): Retention => retentions[channel] ?? plenty;

/** A store that is open, its time standing still. It answers with plain objects, whatever the store answers with. */
export class OpenStore {
  now: number;
  readonly #under: HistoryStoreUnderTest;
  #store: HistoryStore;

  private constructor(under: HistoryStoreUnderTest, now: number) {
    this.#under = under;
    this.#store = under.store;
    this.now = now;
  }

  /** Makes a store, and has it closed and removed when `use` is done. */
  static async during(make: MakeStore, use: (store: OpenStore) => Promise<void>, now = TODAY): Promise<void> {
    const under = await make();
    try {
      const store = new OpenStore(under, now);
      await store.#open();
      try {
        await use(store);
      } finally {
        await store.#store.close();
      }
    } finally {
      await under.dispose?.();
    }
  }

  get newest(): number {
    return this.#store.newest;
  }

  async append(channel: string, json = JSON.stringify({ channel, data: null })): Promise<StoredEvent> {
    return plain(await this.#store.append(channel, json));
  }

  async read(pattern: string, after = 0, limit = 100): Promise<StoredEvent[]> {
    return Array.from(await this.#store.read(pattern, after, limit), plain);
  }

  async last(pattern: string, before: number, limit: number): Promise<StoredEvent[]> {
    return Array.from(await this.#store.last(pattern, before, limit), plain);
  }

  async ids(pattern: string, after?: number, limit?: number): Promise<number[]> {
    return (await this.read(pattern, after, limit)).map(({ id }) => id);
  }

  async range(pattern: string): Promise<HistoryRange> {
    const { discardedThrough, oldest } = await this.#store.range(pattern);
    return { discardedThrough, ...(oldest !== undefined && { oldest }) };
  }

  async expire(): Promise<void> {
    await this.#store.expire();
  }

  /** Closes the store and opens it again, maybe under other rules. */
  async reopen(retention?: HistorySettings['retention']): Promise<void> {
    await this.#store.close();
    this.#store = this.#under.reopen();
    await this.#open(retention);
  }

  #open(retention: HistorySettings['retention'] = retentionOf): Promise<void> {
    return this.#store.open({ retention, now: () => this.now });
  }
}

function plain({ id, channel, at, json }: StoredEvent): StoredEvent {
  return { id, channel, at, json };
}
