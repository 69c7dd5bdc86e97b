import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { HistorySettings, StoredEvent } from '../../src/ports/history-store.ts';
import { HistoryError } from '../../src/features/history/level/history-error.ts';
import { LevelHistory } from '../../src/features/history/level/level-history.ts';
import { copyOf, folder, TODAY } from './folder.ts';

const patterns = ['/room/0', '/room/1', '/room/2', '/few', '/once', '/room/*', '/*', '/**', '/nothing'];

interface Sample {
  readonly path: string;
  /** All that was stored, what was discarded since included. */
  readonly events: readonly StoredEvent[];
}

const settings = (ms: number): HistorySettings => ({
  retention: (channel) => ({ maxEvents: channel === '/few' ? 3 : 10_000, maxAge: 1e9 }),
  now: () => TODAY + ms,
});

/** A folder that was written to, in several runs, as it is found after the last was closed or killed. */
async function sample(isClosed: boolean): Promise<Sample> {
  const path = folder();
  const events: StoredEvent[] = [];
  for (let run = 0; run < 3; run += 1) {
    const store = new LevelHistory({ path });
    await store.open(settings(run));
    for (let at = 0; at < 60; at += 1) {
      const channel = at % 5 === 4 ? '/few' : at === 30 && run === 1 ? '/once' : `/room/${at % 3}`;
      const json = JSON.stringify({ channel, data: `${run}.${at} ${'x'.repeat((at * 37) % 300)}` });
      events.push(await store.append(channel, json));
    }
    if (run === 2 && !isClosed) {
      const found = copyOf(path);
      await store.close();
      return { path: found, events };
    }
    await store.close();
  }
  return { path, events };
}

/**
 * Flips some bytes of a file, or cuts it; says what it did. Tables and the manifest are left alone: LevelDB ends the whole process
 * by an assertion where some of their bytes are wrong, before anybody can look at what it read.
 */
function damage(path: string): string {
  const names = readdirSync(path).filter((name) => /\.log$|^NEWEST$|^CURRENT$/.test(name));
  const name = names[Math.floor(Math.random() * names.length)] ?? '';
  const file = join(path, name);
  const { size } = statSync(file);
  if (Math.random() < 0.25) {
    const length = Math.floor(Math.random() * size);
    truncateSync(file, length);
    return `${name} cut from ${size} to ${length}`;
  }
  const bytes = readFileSync(file);
  const from = Math.floor(Math.random() * size);
  const flips = 1 + Math.floor(Math.random() * 6);
  for (let at = from; at < Math.min(size, from + flips); at += 1)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
  writeFileSync(file, bytes);
  return `${name} of ${size}: ${flips} bytes at ${from}`;
}

/** How it went: `refused` where the folder did not open, `doubted` where something was not recovered that was before. */
export interface Outcome {
  refused: number;
  doubted: number;
  whole: number;
}

/** Damages folders at random, so many times: what they say is recovered is all there, in order, as it was. */
export async function survivesDamage(times: number): Promise<Outcome> {
  const samples = [await sample(true), await sample(false)];
  const outcome: Outcome = { refused: 0, doubted: 0, whole: 0 };
  for (let round = 0; round < times; round += 1) {
    const one = samples[round % 2];
    if (one === undefined) break;
    const path = copyOf(one.path);
    outcome[await tell(path, damage(path), one.events)] += 1;
  }
  return outcome;
}

async function tell(path: string, what: string, events: readonly StoredEvent[]): Promise<keyof Outcome> {
  const store = new LevelHistory({ path });
  let doubts = 0;
  try {
    await store.open(settings(1000));
    for (const pattern of patterns) {
      for (const after of [events[0], events[50], events[100], events[150], events.at(-2), events.at(-1)])
        if (!(await keepsItsWord(store, pattern, after?.id ?? 0, events, what))) doubts += 1;
    }
    const { id } = await store.append('/room/0', '{}');
    expect(id, what).toBeGreaterThan(events.at(-1)?.id ?? 0);
  } catch (error) {
    // The database itself met the damage: an honest refusal.
    if (!(error instanceof HistoryError)) throw error;
    return 'refused';
  } finally {
    await store.close().catch(() => {}); // It may not have opened.
  }
  return doubts > 0 ? 'doubted' : 'whole';
}

/** Whether it says that nothing is missing behind an id, which then is so. */
async function keepsItsWord(
  store: LevelHistory,
  pattern: string,
  after: number,
  events: readonly StoredEvent[],
  what: string,
): Promise<boolean> {
  const told = store.retained(pattern).discardedThrough;
  const read = await store.read(pattern, after, 10_000);
  const isRecovered = told <= after && store.retained(pattern).discardedThrough <= after;
  const owed = events.filter(({ id, channel }) => id > after && covers(pattern, channel));
  if (isRecovered) expect(read, `${what}, ${pattern} after ${after}`).toEqual(owed);
  return isRecovered || pattern === '/few' || pattern === '/*' || pattern === '/**';
}

function covers(pattern: string, channel: string): boolean {
  if (pattern === '/**') return true;
  if (!pattern.endsWith('/*')) return pattern === channel;
  const above = pattern.slice(0, -1);
  return channel.startsWith(above) && !channel.includes('/', above.length);
}
