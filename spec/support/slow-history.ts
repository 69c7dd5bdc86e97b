import type {
  HistorySettings,
  HistoryStore,
  HistoryRange,
  StoredEvent,
} from '../../src/ports/history-store.ts';
import { MemoryHistory } from '../../src/features/history/memory-history.ts';
import type { MaybePromise } from '../../src/lib/maybe-promise.ts';

/** Something that may be waited for, and how it ends. */
export type Wait = (what: 'append' | 'read' | 'range') => Promise<void>;

/** A memory history that answers when it is let: it does what it is asked somewhere in the middle of its wait. */
export class SlowHistory implements HistoryStore {
  readonly kept: MemoryHistory;
  wait: Wait;

  constructor(wait: Wait, kept = new MemoryHistory()) {
    this.wait = wait;
    this.kept = kept;
  }

  get newest(): number {
    return this.kept.newest;
  }

  open(settings: HistorySettings): Promise<void> {
    return this.kept.open(settings);
  }

  // Its id is given at once, and what is read from now on has it.
  async append(channel: string, json: string): Promise<StoredEvent> {
    const stored = this.kept.append(channel, json);
    await this.wait('append');
    return stored;
  }

  async read(pattern: string, after: number, limit: number): Promise<readonly StoredEvent[]> {
    await this.wait('read');
    const page = this.kept.read(pattern, after, limit);
    await this.wait('read');
    return page;
  }

  async last(pattern: string, before: number, limit: number): Promise<readonly StoredEvent[]> {
    await this.wait('read');
    return this.kept.last(pattern, before, limit);
  }

  async range(pattern: string): Promise<HistoryRange> {
    await this.wait('range');
    return this.kept.range(pattern);
  }

  expire(): MaybePromise<void> {
    return this.kept.expire();
  }

  close(): Promise<void> {
    return this.kept.close();
  }
}
