import type { Clock } from '../lib/clock.ts';
import type { CarriedHistory, Publication, Stamp } from '../ports/engine.ts';
import type { HistoryRange, HistorySettings, Retention, StoredEvent } from '../ports/history-store.ts';
import type { Stored } from './batch.ts';
import { askedUntil } from './connection/asked-until.ts';
import { HistoryReads } from './history-reads.ts';
import type { RedisNode } from './redis-node.ts';
import { expire } from './scripts/expire.ts';

/** Records of a feature that has gone out of use are kept so long. */
const LEFT_OVER: Pick<Retention, 'maxEvents'> = { maxEvents: 1000 };

/** What the history of a cluster is made with. */
export interface RedisHistoryOptions {
  readonly clock: Clock;
  /** How long a read waits while Redis cannot be reached. Milliseconds. */
  readonly hold: () => number;
  /** Resolves when the node has opened; rejects when that failed. */
  readonly opened: () => Promise<RedisNode>;
  /** Publishes, and stores as well. */
  readonly carry: (publication: Publication, retention: Retention) => Promise<Stored | undefined>;
}

/** The events of all nodes, in Redis. The script that carries a publication stores it too. */
export class RedisHistory implements CarriedHistory {
  readonly #options: RedisHistoryOptions;
  #settings: HistorySettings | undefined;
  #stamp: Stamp = (event) => event;
  #newest = -1;

  constructor(options: RedisHistoryOptions) {
    this.#options = options;
  }

  get newest(): number {
    return this.#newest;
  }

  async open(settings: HistorySettings): Promise<void> {
    this.#settings = settings;
    await this.#read(async (reads) => this.#seen(await reads.newest()));
  }

  stampWith(stamp: Stamp): void {
    this.#stamp = stamp;
  }

  /** The publication as this node delivers it. */
  stamped(publication: Publication, stored: Stored | undefined): Publication {
    if (stored === undefined) return publication;
    this.#seen(stored.id);
    return { ...publication, event: this.#stamp(publication.event, stored) };
  }

  async record(publication: Publication, retention: Retention): Promise<StoredEvent> {
    const { channel, json } = publication.event;
    return { ...known(await this.#options.carry(publication, retention)), channel, json };
  }

  async append(channel: string, json: string): Promise<StoredEvent> {
    const retention = this.#settings?.retention(channel) ?? LEFT_OVER;
    const node = await this.#options.opened();
    const stored = known(await node.append(channel, { retention, json }));
    this.#seen(stored.id);
    return { ...stored, channel, json };
  }

  read(pattern: string, after: number, limit: number): Promise<readonly StoredEvent[]> {
    return this.#read((reads) => reads.read(pattern, after, limit));
  }

  last(pattern: string, before: number, limit: number): Promise<readonly StoredEvent[]> {
    return this.#read((reads) => reads.last(pattern, before, limit));
  }

  range(pattern: string): Promise<HistoryRange> {
    return this.#read(async (reads) => {
      const range = await reads.range(pattern);
      // After the range: `newest` must not be lower than it was then.
      this.#seen(await reads.newest());
      return range;
    });
  }

  /** Each node does it: a second time finds nothing to discard. */
  async expire(): Promise<void> {
    const node = await this.#options.opened();
    for await (const page of new HistoryReads(node.commands, node.keys).channels()) {
      let channels = page;
      while (channels.length > 0) channels = await this.#expire(node, channels);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  // Answers with the channels that have more to discard.
  async #expire({ runner, caller }: RedisNode, channels: readonly string[]): Promise<readonly string[]> {
    if (caller === undefined) return [];
    const rules = new Map<string, Retention>();
    for (const channel of channels) {
      const retention = this.#settings?.retention(channel);
      if (retention !== undefined) rules.set(channel, retention);
    }
    const outcome = await expire(runner, caller, rules);
    return outcome.is === 'OK' ? outcome.value.filter((channel) => channel !== '') : [];
  }

  // Reads change nothing: one that failed begins anew when Redis is back.
  async #read<T>(work: (reads: HistoryReads) => Promise<T>): Promise<T> {
    const { commands, keys } = await this.#options.opened();
    const { clock, hold } = this.#options;
    const limit = { connection: commands, clock, hold: hold() };
    return askedUntil(() => work(new HistoryReads(commands, keys)), limit);
  }

  #seen(id: number): void {
    if (id > this.#newest) this.#newest = id;
  }
}

function known(stored: Stored | undefined): Stored {
  if (stored !== undefined) return stored;
  throw new Error(
    'Redis discarded the answer of the publish before this node read it: the event is stored, its id is not known',
  );
}
