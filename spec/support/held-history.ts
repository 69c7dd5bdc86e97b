import type {
  HistorySettings,
  HistoryStore,
  HistoryRange,
  StoredEvent,
} from '../../src/ports/history-store.ts';
import { MemoryHistory } from '../../src/features/history/memory-history.ts';

interface Waiting {
  /** Says that it is stored. */
  store(): void;
  fail(error: unknown): void;
}

/** A history in memory whose answers are held back: an event is stored at once, and said to be when the spec says so. */
export class HeldHistory implements HistoryStore {
  readonly kept = new MemoryHistory();
  /** What it was asked for, by name. */
  readonly calls: string[] = [];
  /** Appends, in order. */
  readonly appends: Waiting[] = [];
  /** Set to have this fail. */
  failing: 'open' | 'expire' | undefined;
  /** What opening, and discarding what is too old, wait for. */
  opening: Promise<void> = Promise.resolve();
  expiring: Promise<void> = Promise.resolve();

  get newest(): number {
    return this.kept.newest;
  }

  async open(settings: HistorySettings): Promise<void> {
    this.calls.push('open');
    await this.opening;
    if (this.failing === 'open') throw new Error('no such store');
    await this.kept.open(settings);
  }

  append(channel: string, json: string): Promise<StoredEvent> {
    this.calls.push('append');
    const stored = this.kept.append(channel, json);
    return new Promise((resolve, reject) => {
      this.appends.push({ store: () => resolve(stored), fail: reject });
    });
  }

  async read(pattern: string, after: number, limit: number): Promise<readonly StoredEvent[]> {
    return this.kept.read(pattern, after, limit);
  }

  async last(pattern: string, before: number, limit: number): Promise<readonly StoredEvent[]> {
    return this.kept.last(pattern, before, limit);
  }

  async range(pattern: string): Promise<HistoryRange> {
    return this.kept.range(pattern);
  }

  async expire(): Promise<void> {
    this.calls.push('expire');
    await this.expiring;
    if (this.failing === 'expire') throw new Error('disk full');
    await this.kept.expire();
  }

  async close(): Promise<void> {
    this.calls.push('close');
    await this.kept.close();
  }
}
