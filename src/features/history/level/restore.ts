import type { ClassicLevel } from 'classic-level';
import type { HistorySettings } from '../../../ports/history-store.ts';
import type { Contents } from './contents.ts';
import type { GroupWriter } from './group-writer.ts';
import { type Head, headText, readHead } from './head.ts';
import * as keys from './keys.ts';
import { mayHaveLost, type Run } from './last-run.ts';
import { idsFrom } from './replay-ids.ts';
import { seal, unseal } from './sealed.ts';

// Format 1 had neither checksums nor a head. Its events are taken over, but are not proven to be complete.
const FORMAT = '2';
const OLD = '1';

/** Entries that are read at once. */
const CHUNK = 2_000;

/** The database to read, the index to fill, and what else is known. */
export interface Restoring {
  readonly db: ClassicLevel;
  readonly writer: GroupWriter;
  readonly contents: Contents;
  readonly settings: HistorySettings;
  readonly run: Run;
  /** The id in the witness of the folder; undefined when there is none. */
  readonly witness: number | undefined;
}

/**
 * Reads a database into the index, and notes in the database that it is open. When something may be missing,
 * all ids issued before count as possibly missing (RP-6): in a new database, after a crash of the system that
 * may have lost the last events, and in a damaged database. A gap between two events of a channel affects
 * that channel only. Throws when the database is not a history.
 */
export async function restore(restoring: Restoring): Promise<void> {
  const { db, writer, contents, settings, run, witness } = restoring;
  const [format, sealed, last] = await db.getMany([keys.formatKey, keys.headKey, keys.runKey]);
  await refuseOther(db, format);
  const isOld = format === OLD;
  const head = readHead(unseal(keys.headKey, sealed));
  contents.forgotten(head?.forgottenThrough ?? 0);
  contents.issued(head?.newest ?? 0);
  await readChannels(restoring, isOld);
  const missing = await readEvents(restoring, isOld);
  const isWhole = head !== undefined && isAllOf(head, contents, missing) && vouches(witness, head);
  contents.issued(witness ?? 0);
  if (!isWhole || wasLost(last, run))
    contents.unproven(Math.max(contents.newest, idsFrom(Math.floor(settings.now()))));
  await writer.written();
  await db
    .batch()
    .put(keys.formatKey, FORMAT)
    .put(keys.headKey, seal(keys.headKey, headText(contents.head)))
    .put(keys.runKey, JSON.stringify(run))
    .write({ sync: true });
  await contents.shortenAll();
}

async function refuseOther(db: ClassicLevel, format: string | undefined): Promise<void> {
  if (format === FORMAT || format === OLD) return;
  if (format !== undefined) throw new Error(`its format is ${format}, not ${FORMAT}`);
  for (const _ of await db.keys({ limit: 1 }).all()) throw new Error('it is a database of something else');
}

function wasLost(last: string | undefined, run: Run): boolean {
  try {
    return last === undefined || mayHaveLost(JSON.parse(last), run);
  } catch {
    return true; // The entry is damaged: it is unknown how the run ended.
  }
}

// Whether all that the head counted is there, except the events that later events show to be missing.
function isAllOf(head: Head, { tally }: Contents, missing: readonly number[]): boolean {
  for (const id of missing) tally.addEvent(id);
  const isAll = String(tally) === head.tally;
  for (const id of missing) tally.removeEvent(id);
  return isAll;
}

// The witness is written after each group: it may be older than the head, but never newer.
function vouches(witness: number | undefined, { newest }: Head): boolean {
  return witness !== undefined && witness <= newest;
}

async function readChannels({ db, writer, contents }: Restoring, isOld: boolean): Promise<void> {
  const iterator = db.iterator(keys.channelKeys);
  for (let page = await iterator.nextv(CHUNK); page.length > 0; page = await iterator.nextv(CHUNK)) {
    for (const [key, sealed] of page) {
      const through = Number(unseal(key, sealed) ?? (isOld ? sealed : undefined));
      if (!Number.isSafeInteger(through)) writer.del(key);
      else contents.restoreChannel(keys.readChannelKey(key), through);
    }
  }
  await iterator.close();
}

/** Returns the ids of missing events, as far as later events of their channels show them. */
async function readEvents({ db, writer, contents }: Restoring, isOld: boolean): Promise<number[]> {
  const missing: number[] = [];
  const iterator = db.iterator({ ...keys.eventKeys, fillCache: false });
  for (let page = await iterator.nextv(CHUNK); page.length > 0; page = await iterator.nextv(CHUNK)) {
    for (const [key, sealed] of page) {
      const value =
        unseal(key, sealed) ?? (isOld ? keys.eventValue({ previous: 0, json: sealed }) : undefined);
      if (value === undefined) {
        writer.del(key);
        continue;
      }
      if (isOld) writer.put(key, value);
      const { previous, json } = keys.readEventValue(value);
      const hole = contents.restoreEvent(...keys.readEventKey(key), previous, json);
      if (hole !== undefined) missing.push(hole);
    }
    if (writer.size >= CHUNK) await writer.written();
  }
  await iterator.close();
  return missing;
}
