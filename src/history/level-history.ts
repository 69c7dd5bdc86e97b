import type { ClassicLevel } from 'classic-level';
import type { HistorySettings, HistoryStore, Retained, StoredEvent } from '../core/history/history-store.ts';
import { UsageError } from '../core/usage-error.ts';
import type { Contents } from './contents.ts';
import { damaged, openDatabase } from './database.ts';
import { GroupWriter } from './group-writer.ts';
import { eventKey, runKey } from './keys.ts';
import { thisRun } from './last-run.ts';
import { timeOf } from './replay-ids.ts';
import { restore } from './restore.ts';

/** Where a durable history is kept, and how safely. */
export interface LevelHistoryOptions {
  /** Its folder; made if there is none. */
  readonly path: string;
  /**
   * Whether an event is stored only once it is on the disk. Without, it survives the process, however that ends; when the whole
   * system falls, the last ones may be lost, and the history then says that nothing before is proven to be complete.
   */
  readonly sync?: boolean;
}

/**
 * The history of one process in a folder, kept by LevelDB (the package `classic-level`): it survives restarts and `kill -9`. In
 * memory it holds eight bytes for each event. Ids carry the time, so that they ascend even from an older copy of the folder.
 */
export class LevelHistory implements HistoryStore {
  readonly #path: string;
  readonly #sync: boolean;
  #open: { readonly db: ClassicLevel; readonly writer: GroupWriter; readonly contents: Contents } | undefined;
  #newest = 0;

  /** Throws `UsageError` for a bad value. */
  constructor({ path, sync = false }: LevelHistoryOptions) {
    if (typeof path !== 'string' || path === '') throw new UsageError(`path must be a folder, got "${path}"`);
    if (typeof sync !== 'boolean') throw new UsageError(`sync must be true or false, got ${sync}`);
    this.#path = path;
    this.#sync = sync;
  }

  get newest(): number {
    return this.#open?.contents.newest ?? this.#newest;
  }

  /** Rejects with an error that names the folder and the way out when it is in use, damaged, or of something else. */
  async open(settings: HistorySettings): Promise<void> {
    if (this.#open !== undefined) throw new UsageError(`the history in ${this.#path} is open already`);
    const db = await openDatabase(this.#path);
    try {
      const writer = new GroupWriter(db, this.#sync);
      const contents = await restore(db, writer, settings, thisRun(this.#sync));
      this.#open = { db, writer, contents };
    } catch (error) {
      await db.close();
      throw damaged(this.#path, error);
    }
  }

  async append(channel: string, json: string): Promise<StoredEvent> {
    const { contents, writer } = this.#opened();
    const id = contents.append(channel, json);
    await writer.written();
    return { id, channel, at: timeOf(id), json };
  }

  async read(pattern: string, after: number, limit: number): Promise<readonly StoredEvent[]> {
    const { db, contents, writer } = this.#opened();
    const through = contents.newest;
    // What is still being written has its id already.
    await writer.written();
    const page = contents.page(pattern, { after, through }, limit);
    const texts = await this.#get(
      db,
      page.map(({ id, channel }) => eventKey(id, channel)),
    );
    return page.flatMap(({ id, channel }, at) => {
      const json = texts[at];
      return json === undefined ? [] : [{ id, channel, at: timeOf(id), json }];
    });
  }

  retained(pattern: string): Retained {
    return this.#opened().contents.retained(pattern);
  }

  async expire(): Promise<void> {
    await this.#opened().contents.expire();
  }

  async close(): Promise<void> {
    const { db, contents, writer } = this.#opened();
    this.#open = undefined;
    this.#newest = contents.newest;
    try {
      await writer.written();
      // Of a range with nothing in it: all that it does is to bring to the disk what appends did not wait for.
      await db.compactRange('z', 'z');
      await db.put(runKey, JSON.stringify({ ...thisRun(this.#sync), closed: true }), { sync: true });
    } catch {
      // Whoever appended was told. The next to open it finds it as it was left.
    } finally {
      await db.close();
    }
  }

  #opened() {
    if (this.#open === undefined) throw new UsageError(`the history in ${this.#path} is not open`);
    return this.#open;
  }

  async #get(db: ClassicLevel, keys: string[]): Promise<(string | undefined)[]> {
    try {
      return await db.getMany(keys);
    } catch (error) {
      throw damaged(this.#path, error);
    }
  }
}
