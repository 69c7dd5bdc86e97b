import type { ClassicLevel } from 'classic-level';
import type { HistorySettings } from '../core/history/history-store.ts';
import { Contents } from './contents.ts';
import type { GroupWriter } from './group-writer.ts';
import * as keys from './keys.ts';
import { mayHaveLost, type Run } from './last-run.ts';
import { idsFrom } from './replay-ids.ts';

const FORMAT = '1';

/** How many keys are read in one go. */
const CHUNK = 10_000;

/**
 * Reads what is in a database, and notes there that it is open. A fresh one, and one whose last events may not have reached the
 * disk before the system fell, begin at the present: what was before is unproven (RP-6). Throws when it is no history.
 */
export async function restore(
  db: ClassicLevel,
  writer: GroupWriter,
  settings: HistorySettings,
  run: Run,
): Promise<Contents> {
  const contents = new Contents(settings, writer);
  const [format, floor, unproven, last] = await db.getMany([
    keys.formatKey,
    keys.floorKey,
    keys.unprovenKey,
    keys.runKey,
  ]);
  await refuseOther(db, format);
  contents.unproven(Number(unproven ?? 0));
  contents.forgotten(Number(floor ?? 0));
  await readChannels(db, contents);
  await readEvents(db, contents);
  if (last === undefined || mayHaveLost(JSON.parse(last), run))
    contents.unproven(Math.max(contents.newest, idsFrom(Math.floor(settings.now()))));
  await db
    .batch()
    .put(keys.formatKey, FORMAT)
    .put(keys.unprovenKey, String(contents.unprovenThrough))
    .put(keys.runKey, JSON.stringify(run))
    .write({ sync: true });
  await contents.shortenAll();
  return contents;
}

async function refuseOther(db: ClassicLevel, format: string | undefined): Promise<void> {
  if (format === FORMAT) return;
  if (format !== undefined) throw new Error(`its format is ${format}, not ${FORMAT}`);
  for (const _ of await db.keys({ limit: 1 }).all()) throw new Error('it is a database of something else');
}

async function readChannels(db: ClassicLevel, contents: Contents): Promise<void> {
  const iterator = db.iterator(keys.channelKeys);
  for (let page = await iterator.nextv(CHUNK); page.length > 0; page = await iterator.nextv(CHUNK)) {
    for (const [key, through] of page) contents.restoreChannel(keys.readChannelKey(key), Number(through));
  }
  await iterator.close();
}

async function readEvents(db: ClassicLevel, contents: Contents): Promise<void> {
  const iterator = db.keys({ ...keys.eventKeys, fillCache: false });
  for (let page = await iterator.nextv(CHUNK); page.length > 0; page = await iterator.nextv(CHUNK)) {
    for (const key of page) contents.restoreEvent(...keys.readEventKey(key));
  }
  await iterator.close();
}
