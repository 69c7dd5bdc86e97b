import type { Clock } from '../lib/clock.ts';
import { adopt, type MaybePromise } from '../lib/maybe-promise.ts';
import { backoff } from './connection/backoff.ts';
import type { RedisConnection } from './connection/redis-connection.ts';
import { RedisError } from './connection/redis-error.ts';
import type { Keys } from './keys.ts';
import { LastNumbers } from './last-numbers.ts';
import { type MailboxEntry, type MailboxItem, mailboxEntry } from './mailbox-items.ts';
import { entriesOf, listOf, numberOf, type StreamEntry } from './reply.ts';

/** A place in a mailbox. Places with different logs cannot be compared. Plain JSON. */
export interface Position {
  readonly log: string;
  readonly id: string;
}

/**
 * What may be missing before what comes next. `trimmed`: so many entries were discarded before they were read. `rolled back`: Redis lost
 * so many entries that this node had read, and maybe others. `new`: the mailbox began anew.
 */
export type MailboxGap =
  | { readonly why: 'trimmed'; readonly entries: number }
  | { readonly why: 'rolled back'; readonly entries: number }
  | { readonly why: 'new' };

/** What a mailbox calls. None of these may throw. */
export interface MailboxReader {
  /** The items of one entry that are new here, in order. The next entry comes when the promise, if there is one, is resolved. */
  brought(items: readonly MailboxItem[], at: Position): MaybePromise<void>;
  /** A text of another node for this one, and the id of its entry. May come twice. */
  told(text: string, id: string): void;
  missed(gap: MailboxGap): void;
  /** Redis was restarted, or another one answers. What it still has was read again, without repeats. */
  restarted(): void;
  /** Redis refuses to be read. The mailbox tries again. */
  failed(error: Error): void;
}

/** What a mailbox is made with. */
export interface MailboxOptions {
  /** Of its own: reads block it. */
  readonly connection: RedisConnection;
  readonly keys: Keys;
  readonly node: string;
  readonly clock: Clock;
  readonly reader: MailboxReader;
}

/** Entries of one read. */
const PAGE = 500;

/** Texts that were read are removed together: after so many bytes, or milliseconds. */
const MAX_READ = 65_536;
const READ_TIME = 1_000;

/** Reads the mailbox of a node from its begin, and goes on behind the last entry after each reconnect. Reads what it is told beside it. */
export class Mailbox {
  readonly #connection: RedisConnection;
  readonly #keys: Keys;
  readonly #node: string;
  readonly #clock: Clock;
  readonly #reader: MailboxReader;
  readonly #lastNumbers = new LastNumbers();
  #runId: string | undefined;
  #log = 0;
  #lastId = '0-0';
  #lastNumber = 0;
  #lastTold = '0-0';
  #readBytes = 0;
  #readSince = 0;
  // Whether entries may come that were read before the restart.
  #isReadingAgain = false;
  #failures = 0;
  #isClosed = false;

  constructor({ connection, keys, node, clock, reader }: MailboxOptions) {
    this.#connection = connection;
    this.#keys = keys;
    this.#node = node;
    this.#clock = clock;
    this.#reader = reader;
  }

  /** Reads until `close`. Called once. */
  async read(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#connection.whenOpen();
        await this.#follow();
      } catch (error) {
        if (!this.#isClosed) await this.#failed(error);
      }
    }
  }

  /** The last entry that was read, by its id and its running number. */
  get place(): { readonly id: string; readonly number: number } {
    return { id: this.#lastId, number: this.#lastNumber };
  }

  /** Forgets the numbers of nodes whose entries were all trimmed: those added before that time are gone. Milliseconds of the clock. */
  trimmed(before: number): void {
    if (!this.#isReadingAgain) this.#lastNumbers.forgetBefore(before);
  }

  /** The mailbox was removed: what was in it is lost, and its numbers begin anew. */
  removed(): void {
    this.#lastNumber = 0;
    this.#reader.missed({ why: 'new' });
  }

  /** The next entry is not read any more. The connection has to be closed too. */
  close(): void {
    this.#isClosed = true;
  }

  // As long as the connection lasts.
  async #follow(): Promise<void> {
    this.#noticeRestart();
    const written = numberOf((await this.#connection.send(['HGET', this.#keys.counters, this.#node])) ?? 0);
    while (!this.#isClosed && (await this.#readPage([]))) {}
    this.#caughtUp(written);
    this.#failures = 0;
    // Shorter than any time limit of a connection that fits `timeout`.
    const block = Math.max(1, Math.floor(this.#connection.timeout / 2));
    while (!this.#isClosed) await this.#readPage(['BLOCK', String(block)], block + this.#connection.timeout);
  }

  #noticeRestart(): void {
    const { state } = this.#connection;
    const runId = state.is === 'open' ? state.runId : undefined;
    if (this.#runId !== undefined && runId !== this.#runId) {
      this.#log += 1;
      this.#lastId = '0-0';
      this.#lastTold = '0-0';
      this.#isReadingAgain = true;
      this.#reader.restarted();
    }
    this.#runId = runId;
  }

  async #readPage(block: readonly string[], ms?: number): Promise<boolean> {
    const [mailbox, told] = [this.#keys.mailbox(this.#node), this.#keys.told(this.#node)];
    const streams = ['STREAMS', mailbox, told, this.#lastId, this.#lastTold];
    const reply = await this.#connection.send(['XREAD', 'COUNT', String(PAGE), ...block, ...streams], ms);
    for (const stream of listOf(reply ?? [])) {
      const [key, entries] = listOf(stream);
      if (key === told) this.#takeTold(entriesOf(entries));
      else await this.#bringAll(entriesOf(entries));
    }
    const isOld = this.#readBytes > 0 && this.#clock.now() >= this.#readSince + READ_TIME;
    if (isOld || this.#readBytes > MAX_READ) this.#removeRead();
    return reply !== null && !this.#isClosed;
  }

  async #bringAll(entries: readonly StreamEntry[]): Promise<void> {
    for (const entry of entries) {
      if (this.#isClosed) return;
      await this.#bring(mailboxEntry(entry));
    }
  }

  #takeTold(entries: readonly StreamEntry[]): void {
    if (this.#readBytes === 0) this.#readSince = this.#clock.now();
    for (const { id, fields } of entries) {
      this.#lastTold = id;
      for (const [, text] of fields) {
        this.#readBytes += text.length;
        if (!this.#isClosed) this.#reader.told(text, id);
      }
    }
  }

  // A failure is that of the next read too.
  #removeRead(): void {
    this.#readBytes = 0;
    const [ms = '0', count = '0'] = this.#lastTold.split('-');
    const next = `${ms}-${Number(count) + 1}`;
    this.#connection.send(['XTRIM', this.#keys.told(this.#node), 'MINID', next]).catch(() => {});
  }

  #bring(entry: MailboxEntry): MaybePromise<void> {
    this.#lastId = entry.id;
    const items = entry.items.filter(this.#isNew);
    this.#checkNumber(entry.number, items.some(isPublication));
    if (items.length === 0) return;
    return adopt(this.#reader.brought(items, { log: `${this.#node}.${this.#log}`, id: entry.id }));
  }

  readonly #isNew = (item: MailboxItem): boolean =>
    item.is !== 'publication' ||
    this.#lastNumbers.isNew(item.envelope.origin, item.envelope.number, this.#clock.now());

  #checkNumber(number: number, hasNews: boolean): void {
    if (number <= this.#lastNumber) {
      if (this.#isReadingAgain && !hasNews) return;
      if (this.#isReadingAgain) this.#rolledBack(number - 1);
      else this.#reader.missed({ why: 'new' });
    } else if (number > this.#lastNumber + 1) {
      this.#trimmed(number - 1);
    }
    this.#isReadingAgain = false;
    this.#lastNumber = number;
  }

  // All that was written before the connection was opened has been read.
  #caughtUp(written: number): void {
    if (this.#isReadingAgain && written < this.#lastNumber) this.#rolledBack(written);
    this.#isReadingAgain = false;
    if (written > this.#lastNumber) this.#trimmed(written);
  }

  #rolledBack(through: number): void {
    this.#reader.missed({ why: 'rolled back', entries: this.#lastNumber - through });
    this.#lastNumber = through;
  }

  #trimmed(through: number): void {
    this.#reader.missed({ why: 'trimmed', entries: through - this.#lastNumber });
    this.#lastNumber = through;
  }

  // A lost connection is opened again by itself.
  async #failed(error: unknown): Promise<void> {
    if (error instanceof RedisError && error.outcome !== 'refused') return;
    this.#reader.failed(error instanceof Error ? error : new Error(String(error)));
    this.#failures += 1;
    const wait = backoff(this.#failures, Math.random());
    await new Promise<void>((resolve) => void this.#clock.after(wait, resolve));
  }
}

function isPublication({ is }: MailboxItem): boolean {
  return is === 'publication';
}
