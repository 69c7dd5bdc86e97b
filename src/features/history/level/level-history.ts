/**
 * A history on disk.
 *
 * @module bayeuxd/history
 */

import type { ClassicLevel } from 'classic-level';
import type {
  HistorySettings,
  HistoryStore,
  HistoryRange,
  HistoryUsage,
  StoredEvent,
} from '../../../ports/history-store.ts';
import { checkedBound, MAX_CHANNELS } from '../bounds.ts';
import { TaskQueue } from '../../../lib/task-queue.ts';
import { UsageError } from '../../../lib/usage-error.ts';
import { type Bounds, Contents } from './contents.ts';
import { damaged, openDatabase } from './database.ts';
import { GroupWriter } from './group-writer.ts';
import { headText } from './head.ts';
import { HistoryError } from './history-error.ts';
import { eventKey, readEventValue, runKey } from './keys.ts';
import { thisRun } from './last-run.ts';
import { timeOf } from './replay-ids.ts';
import type { Place } from './page.ts';
import { restore } from './restore.ts';
import { unseal } from './sealed.ts';
import { verifyTables } from './verify.ts';
import { Witness } from './witness.ts';

/** Where a durable history is stored, and how safely. */
export interface LevelHistoryOptions {
  /** The folder of the history; created if needed. */
  readonly path: string;
  /**
   * Whether a publish waits until its event is on the disk. Without `sync`, events survive any end of the process. But when the
   * whole system crashes, the last events may be lost; all earlier ids then count as possibly missing.
   */
  readonly sync?: boolean;
  /**
   * Events may take three quarters of it; past that, the oldest are discarded. The folder never takes more than twice `maxBytes`:
   * LevelDB keeps deleted events for a while, and publishers wait when it is too slow. Bytes; 512 MiB if absent.
   */
  readonly maxBytes?: number;
  /** Most channels. Past it, about the channel with the oldest last publish is forgotten; 100,000 if absent. */
  readonly maxChannels?: number;
}

/** The share of `maxBytes` that events may take. The rest is for discarded events that LevelDB still has in its files. */
const KEPT = 0.75;

/** Shortest time between a failure and opening the database again. Milliseconds. */
const PAUSE = 1000;

/** An open database. */
interface Opened {
  readonly db: ClassicLevel;
  readonly writer: GroupWriter;
  readonly contents: Contents;
  readonly witness: Witness;
}

/** An event that has its id, and is not written yet. */
interface Added {
  readonly open: Opened;
  readonly id: number;
}

/**
 * The history of one process in a folder, stored by LevelDB (the package `classic-level`). It survives restarts and `kill -9`,
 * and takes sixteen bytes of memory for each event, and an entry for each channel. After a failed write, as on a full disk, the
 * next call opens the database again, once a second at most. Ids contain the time, so that new ids are the highest even when
 * the folder was restored from an older copy.
 */
export class LevelHistory implements HistoryStore {
  readonly #path: string;
  readonly #sync: boolean;
  readonly #bounds: Bounds;
  #settings: HistorySettings | undefined;
  // Undefined while it cannot be opened again after a failure.
  #open: Opened | undefined;
  #contents: Contents | undefined;
  #failed: { readonly error: unknown; readonly at: number } | undefined;
  #reopening: Promise<Opened> | undefined;
  // Appends that wait until it is open again. Later ones must not overtake them.
  readonly #late = new TaskQueue();
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

  /** Events, channels and their approximate bytes on the disk. */
  get usage(): HistoryUsage {
    return this.#contents?.usage ?? { events: 0, channels: 0, bytes: 0 };
  }

  /** Rejects when the folder is in use, damaged or of another database. The error names the folder, and what to do. */
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
    const { open, id } =
      this.#isFailed || this.#late.length > 0
        ? await this.#late.run(async () => this.#add(await this.#usable(), channel, json))
        : this.#add(this.#opened(), channel, json);
    const { contents, writer } = open;
    try {
      await writer.written();
    } catch (error) {
      contents.takeBack(channel, id);
      throw error;
    }
    await this.#makeRoom(open);
    return { id, channel, at: timeOf(id), json };
  }

  read(pattern: string, after: number, limit: number): Promise<readonly StoredEvent[]> {
    return this.#read((contents, through) => contents.page(pattern, { after, through }, limit));
  }

  last(pattern: string, before: number, limit: number): Promise<readonly StoredEvent[]> {
    return this.#read((contents, through) => contents.last(pattern, Math.min(before, through + 1), limit));
  }

  range(pattern: string): HistoryRange {
    return this.#known().range(pattern);
  }

  async expire(): Promise<void> {
    const { contents } = await this.#usable();
    await contents.expire();
  }

  async close(): Promise<void> {
    const contents = this.#known();
    await this.#reopening?.catch(() => {}); // The call that opened it again got the error.
    const open = this.#open;
    const isWritten = !this.#isFailed;
    this.#open = this.#contents = this.#settings = this.#failed = undefined;
    this.#newest = contents.newest;
    if (open !== undefined) await this.#close(open, isWritten);
  }

  #add(open: Opened, channel: string, json: string): Added {
    return { open, id: open.contents.append(channel, json) };
  }

  /** Reads the events at the places that `find` names. None may have an id above `through`. */
  async #read(
    find: (contents: Contents, through: number) => Promise<readonly Place[]>,
  ): Promise<readonly StoredEvent[]> {
    const open = this.#open === undefined && this.#isFailed ? await this.#again() : this.#opened();
    const { db, contents, writer } = open;
    const through = contents.newest;
    // Events that are still being written have their ids already.
    if (writer.failure === undefined) await writer.written();
    const page = await find(contents, through);
    const names = page.map(({ id, channel }) => eventKey(id, channel));
    const values = await this.#get(db, names);
    return page.flatMap((place, at) => {
      const value = unseal(names[at] ?? '', values[at]);
      if (value !== undefined) return [{ ...place, at: timeOf(place.id), json: readEventValue(value).json }];
      // The event was discarded meanwhile, or is damaged on the disk: its channel then has a gap up to this id.
      if (writer.failure === undefined) contents.lost(place);
      return [];
    });
  }

  // Publishers that are faster than compaction wait for it: otherwise the files would grow without limit.
  async #makeRoom(open: Opened): Promise<void> {
    const { maxBytes } = this.#bounds;
    if (open.contents.discardedBytes <= maxBytes / 4) return;
    if (this.#compaction === undefined) this.#compaction = this.#compact(open);
    else await this.#compaction;
  }

  // LevelDB keeps deleted entries until it compacts their files. This compacts everything before the oldest event now.
  async #compact({ db, contents }: Opened): Promise<void> {
    contents.discardedBytes = 0;
    try {
      await db.compactRange(eventKey(0, ''), eventKey(contents.oldest, ''));
    } catch {
      // The database was closed meanwhile. Or it cannot be written: then the next append gets the error.
    } finally {
      this.#compaction = undefined;
    }
  }

  // After a failed group, which may be half written, nothing more may be written.
  async #close({ db, writer, witness }: Opened, isWritten: boolean): Promise<void> {
    try {
      if (!isWritten) return;
      await writer.written();
      // The range is empty: the only effect is that writes reach the disk for which appends did not wait.
      await db.compactRange('z', 'z');
      await db.put(runKey, JSON.stringify({ ...thisRun(this.#sync), closed: true }), { sync: true });
      witness.sync();
    } catch {
      // The appends got the error. The next open recovers what is there.
    } finally {
      witness.close();
      await db.close();
    }
  }

  async #openAll(settings: HistorySettings): Promise<Opened> {
    const db = await openDatabase(this.#path, this.#bounds.maxBytes);
    let witness: Witness | undefined;
    try {
      const witnessId = Witness.read(this.#path);
      const file = new Witness(this.#path);
      witness = file;
      const writer: GroupWriter = new GroupWriter(db, this.#sync, {
        newest: () => contents.newest,
        head: () => headText(contents.head),
        written: (newest) => file.write(newest),
      });
      const contents: Contents = new Contents(settings, writer, this.#bounds);
      const run = thisRun(this.#sync);
      await restore({ db, writer, contents, settings, run, witness: witnessId });
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

  async #usable(): Promise<Opened> {
    return this.#isFailed ? this.#again() : this.#opened();
  }

  /** Opens the database again after a failure, or rejects with that failure. */
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
        `cannot be opened again (${reason}): the server tries again`,
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
