import type { ClassicLevel } from 'classic-level';
import type {
  HistorySettings,
  HistoryStore,
  HistoryRange,
  StoredEvent,
} from '../../../ports/history-store.ts';
import { checkedBound, MAX_CHANNELS } from '../bounds.ts';
import { UsageError } from '../../../lib/usage-error.ts';
import { type Bounds, Contents } from './contents.ts';
import { damaged, openDatabase } from './database.ts';
import { GroupWriter } from './group-writer.ts';
import { headText } from './head.ts';
import { HistoryError } from './history-error.ts';
import { eventKey, readEventValue, runKey } from './keys.ts';
import { thisRun } from './last-run.ts';
import { timeOf } from './replay-ids.ts';
import { restore } from './restore.ts';
import { unseal } from './sealed.ts';
import { verifyTables } from './verify.ts';
import { Witness } from './witness.ts';

/** Where a durable history is kept, and how safely. */
export interface LevelHistoryOptions {
  /** Its folder; made if there is none. */
  readonly path: string;
  /**
   * Whether an event is stored only once it is on the disk. Without, it survives the process, however that ends; when the whole
   * system falls, the last ones may be lost, and the history then says that nothing before is proven to be complete.
   */
  readonly sync?: boolean;
  /**
   * Events take three quarters of it as they are written; past that the oldest are discarded. The folder never takes more than twice
   * as much: LevelDB keeps what was deleted for a while, and publishers wait where it cannot follow. Bytes; 512 MiB if absent.
   */
  readonly maxBytes?: number;
  /** Past it a channel is forgotten that was not published to for about the longest time; 100,000 if absent. */
  readonly maxChannels?: number;
}

/** The share of `maxBytes` that events may take. The rest is for what was discarded, until LevelDB drops it from its files. */
const KEPT = 0.75;

/** How long after a failure the database is opened again, at the earliest. Milliseconds. */
const PAUSE = 1000;

/** A database that is open. */
interface Opened {
  readonly db: ClassicLevel;
  readonly writer: GroupWriter;
  readonly contents: Contents;
  readonly witness: Witness;
}

/**
 * The history of one process in a folder, kept by LevelDB (the package `classic-level`): it survives restarts and `kill -9`. In
 * memory it holds sixteen bytes for each event, and what it knows of each channel. After a write that failed, as on a full disk, the
 * database is opened again when something is asked of it, once a second at most. Ids carry the time, so that they ascend even from an older copy of the folder.
 */
export class LevelHistory implements HistoryStore {
  readonly #path: string;
  readonly #sync: boolean;
  readonly #bounds: Bounds;
  #settings: HistorySettings | undefined;
  // Closed when it could not be opened again after a failure.
  #open: Opened | undefined;
  #contents: Contents | undefined;
  #failed: { readonly error: unknown; readonly at: number } | undefined;
  #reopening: Promise<Opened> | undefined;
  #newest = 0;
  #compaction: Promise<void> | undefined;

  /** Throws `UsageError` for a bad value. */
  constructor({
    path,
    sync = false,
    maxBytes = 536_870_912,
    maxChannels = MAX_CHANNELS,
  }: LevelHistoryOptions) {
    if (typeof path !== 'string' || path === '') throw new UsageError(`path must be a folder, got "${path}"`);
    if (typeof sync !== 'boolean') throw new UsageError(`sync must be true or false, got ${sync}`);
    this.#path = path;
    this.#sync = sync;
    this.#bounds = {
      maxBytes: checkedBound('maxBytes', maxBytes) * KEPT,
      maxChannels: checkedBound('maxChannels', maxChannels),
    };
  }

  get newest(): number {
    return this.#contents?.newest ?? this.#newest;
  }

  /** Rejects with an error that names the folder and the way out when it is in use, damaged, or of something else. */
  async open(settings: HistorySettings): Promise<void> {
    if (this.#settings !== undefined) throw new UsageError(`the history in ${this.#path} is open already`);
    this.#settings = settings;
    try {
      await verifyTables(this.#path);
      await this.#openAll(settings);
    } catch (error) {
      this.#settings = undefined;
      throw error;
    }
  }

  async append(channel: string, json: string): Promise<StoredEvent> {
    const open = this.#isFailed ? await this.#again() : this.#opened();
    const { contents, writer } = open;
    const id = contents.append(channel, json);
    try {
      await writer.written();
    } catch (error) {
      contents.takeBack(channel, id);
      throw error;
    }
    await this.#makeRoom(open);
    return { id, channel, at: timeOf(id), json };
  }

  async read(pattern: string, after: number, limit: number): Promise<readonly StoredEvent[]> {
    const open = this.#open === undefined && this.#isFailed ? await this.#again() : this.#opened();
    const { db, contents, writer } = open;
    const through = contents.newest;
    // What is still being written has its id already.
    if (writer.failure === undefined) await writer.written();
    const page = await contents.page(pattern, { after, through }, limit);
    const names = page.map(({ id, channel }) => eventKey(id, channel));
    const values = await this.#get(db, names);
    return page.flatMap((place, at) => {
      const value = unseal(names[at] ?? '', values[at]);
      if (value !== undefined) return [{ ...place, at: timeOf(place.id), json: readEventValue(value).json }];
      // It was discarded meanwhile, or the disk has lost it: either way nobody is told that it was there.
      if (writer.failure === undefined) contents.lost(place);
      return [];
    });
  }

  range(pattern: string): HistoryRange {
    return this.#known().range(pattern);
  }

  async expire(): Promise<void> {
    const { contents } = this.#isFailed ? await this.#again() : this.#opened();
    await contents.expire();
  }

  async close(): Promise<void> {
    const contents = this.#known();
    await this.#reopening?.catch(() => {}); // Whoever asked for it was told.
    const open = this.#open;
    const isWritten = !this.#isFailed;
    this.#open = this.#contents = this.#settings = this.#failed = undefined;
    this.#newest = contents.newest;
    if (open !== undefined) await this.#close(open, isWritten);
  }

  // A publisher that is faster than the files are made smaller waits for that: else they would grow without a bound.
  async #makeRoom(open: Opened): Promise<void> {
    const { maxBytes } = this.#bounds;
    if (open.contents.discardedBytes <= maxBytes / 4) return;
    if (this.#compaction === undefined) this.#compaction = this.#compact(open);
    else await this.#compaction;
  }

  // LevelDB keeps what was deleted until it comes by: what lies before the oldest event is taken out of the files at once.
  async #compact({ db, contents }: Opened): Promise<void> {
    contents.discardedBytes = 0;
    try {
      await db.compactRange(eventKey(0, ''), eventKey(contents.oldest, ''));
    } catch {
      // It was closed meanwhile; or cannot be written, which the next append is told.
    } finally {
      this.#compaction = undefined;
    }
  }

  // Nothing may be written behind half a group.
  async #close({ db, writer, witness }: Opened, isWritten: boolean): Promise<void> {
    try {
      if (!isWritten) return;
      await writer.written();
      // Of a range with nothing in it: all that it does is to bring to the disk what appends did not wait for.
      await db.compactRange('z', 'z');
      await db.put(runKey, JSON.stringify({ ...thisRun(this.#sync), closed: true }), { sync: true });
      witness.sync();
    } catch {
      // Whoever appended was told. The next to open it finds it as it was left.
    } finally {
      witness.close();
      await db.close();
    }
  }

  async #openAll(settings: HistorySettings): Promise<Opened> {
    const db = await openDatabase(this.#path, this.#bounds.maxBytes);
    let witness: Witness | undefined;
    try {
      const vouched = Witness.read(this.#path);
      const file = new Witness(this.#path);
      witness = file;
      const writer: GroupWriter = new GroupWriter(db, this.#sync, {
        newest: () => contents.newest,
        head: () => headText(contents.head),
        written: (newest) => file.write(newest),
      });
      const contents: Contents = new Contents(settings, writer, this.#bounds);
      const run = thisRun(this.#sync);
      await restore({ db, writer, contents, settings, run, witness: vouched });
      file.write(contents.newest);
      file.sync();
      contents.issued(this.#newest);
      this.#contents = contents;
      this.#open = { db, writer, contents, witness };
      this.#failed = undefined;
      return this.#open;
    } catch (error) {
      witness?.close();
      await db.close();
      throw error instanceof HistoryError ? error : damaged(this.#path, error);
    }
  }

  get #isFailed(): boolean {
    return this.#failed !== undefined || this.#open?.writer.failure !== undefined;
  }

  /** Opens the database again after a failure, or tells of that. */
  #again(): Promise<Opened> {
    if (this.#reopening !== undefined) return this.#reopening;
    const settings = this.#settings;
    if (settings === undefined) return Promise.reject(this.#notOpen());
    const now = settings.now();
    this.#failed ??= { error: this.#open?.writer.failure, at: now };
    if (now < this.#failed.at + PAUSE) return Promise.reject(this.#failed.error);
    this.#reopening = this.#reopen(settings).finally(() => {
      this.#reopening = undefined;
    });
    return this.#reopening;
  }

  async #reopen(settings: HistorySettings): Promise<Opened> {
    this.#newest = this.newest;
    const open = this.#open;
    this.#open = undefined;
    try {
      if (open !== undefined) await this.#close(open, false);
      return await this.#openAll(settings);
    } catch (error) {
      const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const again = new HistoryError(
        this.#path,
        `cannot be opened again (${reason}): it is tried again`,
        error,
      );
      this.#failed = { error: again, at: settings.now() };
      throw again;
    }
  }

  #opened(): Opened {
    if (this.#open === undefined) throw this.#notOpen();
    return this.#open;
  }

  #known(): Contents {
    if (this.#contents === undefined) throw this.#notOpen();
    return this.#contents;
  }

  #notOpen(): UsageError {
    return new UsageError(`the history in ${this.#path} is not open`);
  }

  async #get(db: ClassicLevel, names: string[]): Promise<(string | undefined)[]> {
    try {
      return await db.getMany(names);
    } catch (error) {
      throw damaged(this.#path, error);
    }
  }
}
