import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
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

/** The files of a database, and the one beside it. */
const kinds = {
  table: /\.ldb$/,
  'end of a table': /\.ldb$/,
  log: /\.log$/,
  manifest: /^MANIFEST-/,
  current: /^CURRENT$/,
  newest: /^NEWEST$/,
};

export type Kind = keyof typeof kinds;
const all: readonly Kind[] = ['table', 'end of a table', 'log', 'manifest', 'current', 'newest'];

/** Flips some bytes of a file of this kind, cuts it or removes it; says what it did. */
function damage(path: string, kind: Kind): string {
  const names = readdirSync(path).filter((name) => kinds[kind].test(name));
  const name = names[below(names.length)] ?? '';
  const file = join(path, name);
  const { size } = statSync(file);
  const how = kind === 'end of a table' ? 2 : below(10);
  if (how === 0) {
    rmSync(file);
    return `${name} removed`;
  }
  if (how === 1) {
    const length = below(size);
    truncateSync(file, length);
    return `${name} cut from ${size} to ${length}`;
  }
  // Places of blocks and filters, and of those: so few bytes that they would seldom be met.
  const from = kind === 'end of a table' ? size - 1 - below(Math.min(size, 200)) : below(size);
  return `${name} of ${size}: ${flip(file, from)}`;
}

function flip(file: string, from: number): string {
  const bytes = readFileSync(file);
  const flips = 1 + below(6);
  for (let at = from; at < Math.min(bytes.length, from + flips); at += 1)
    bytes[at] = (bytes[at] ?? 0) ^ (1 + below(255));
  writeFileSync(file, bytes);
  return `${flips} bytes at ${from}`;
}

function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}

/** How it went: `refused` where the folder did not open, `doubted` where something was not recovered that was before. */
export interface Outcome {
  refused: number;
  doubted: number;
  whole: number;
}

/**
 * Damages folders at random, each kind of file so many times: what they say is recovered is all there, in order, as it was. Where
 * LevelDB ends the process by an assertion, this process ends.
 */
export async function survivesDamage(times: number): Promise<ReadonlyMap<Kind, Outcome>> {
  const samples = [await sample(true), await sample(false)];
  const outcomes = new Map(all.map((kind): [Kind, Outcome] => [kind, { refused: 0, doubted: 0, whole: 0 }]));
  for (const [kind, outcome] of outcomes) {
    for (let round = 0; round < times; round += 1) {
      const one = samples[round % 2];
      if (one === undefined) break;
      const path = copyOf(one.path);
      outcome[await tell(path, damage(path, kind), one.events)] += 1;
      rmSync(path, { recursive: true });
    }
  }
  return outcomes;
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
    expect(error.message, what).toMatch(/restore the folder from a copy, or move it away/);
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
  const told = store.range(pattern).discardedThrough;
  const read = await store.read(pattern, after, 10_000);
  const isRecovered = told <= after && store.range(pattern).discardedThrough <= after;
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
