import { grouped } from '../../lib/grouped.ts';
import { pause } from '../../lib/pause.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import type { Ask } from './surroundings.ts';
import { countOf } from '../client-options.ts';
import { jsonLine } from '../json-line.ts';
import { detailLines } from './detail.ts';
import { Table, type Column } from './table.ts';

/** `bayeuxd stats`: prints the counts of a server once, or again and again until interrupted. */
export async function stats(ask: Ask): Promise<void> {
  const { api, flags, print } = ask;
  const { watch } = flags;
  if (watch !== undefined) {
    await watched(ask, watch === true ? 2 : countOf('--watch', watch, 1, 86_400));
    return;
  }
  const answer = await api.get('/stats');
  if (flags.json === true) print(jsonLine(answer));
  else for (const line of detailLines(readable(answer))) print(line);
}

/** With the mean in place of each histogram, and the time as a date. */
function readable({ at, ...answer }: JsonObject): JsonObject {
  const fields = Object.entries(answer).map(([name, value]) => [name, meanIn(value) ?? value]);
  return { at: new Date(Number(at)).toISOString(), ...Object.fromEntries(fields) };
}

function meanIn(value: unknown): string | undefined {
  if (!isObject(value) || !Array.isArray(value.counts)) return undefined;
  const count = total(value.counts);
  return count === 0
    ? '-'
    : `${(Number(value.sum) / count).toFixed(2)} ms on average, ${grouped(count)} times`;
}

/** Lines after which a terminal gets the titles again. */
const SCREEN = 20;

async function watched(
  { api, flags, clock, interrupted, terminal, print }: Ask,
  seconds: number,
): Promise<void> {
  const signal = interrupted();
  let table = new Table(columns, terminal);
  for (let count = 1; !signal.aborted; count += 1) {
    const answer = await api.get('/stats');
    const lines = table.lines([{ ...answer, at: clock.now() }]);
    for (const line of flags.json === true ? [jsonLine(answer)] : lines) print(line);
    if (terminal !== undefined && count % SCREEN === 0) table = new Table(columns, terminal);
    await pause(seconds * 1000, clock, signal);
  }
}

const count = (title: string, name: string): Column<JsonObject> => ({
  title: title.padStart(9),
  isNumber: true,
  of: ({ [name]: value }) => (typeof value === 'number' ? grouped(value) : '-'),
});

// The titles are as wide as the values get, since each line is printed when it is known.
const columns: readonly Column<JsonObject>[] = [
  { title: 'TIME    ', of: ({ at }) => new Date(Number(at)).toTimeString().slice(0, 8) },
  { title: 'STATE   ', of: ({ state }) => String(state) },
  count('SESSIONS', 'sessions'),
  count('CHANNELS', 'channels'),
  count('ADDRESSES', 'addresses'),
  count('WAITING', 'waitingHandshakes'),
  {
    ...count('REFUSED', ''),
    of: ({ refused }) => grouped(isObject(refused) ? total(Object.values(refused)) : 0),
  },
];

function total(values: readonly unknown[]): number {
  return values.reduce<number>((sum, value) => sum + (typeof value === 'number' ? value : 0), 0);
}
