import { grouped } from '../../lib/grouped.ts';
import { printable } from '../../lib/printable.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { ClientError } from '../client-error.ts';
import { jsonLine } from '../json-line.ts';
import { shownDuration } from './shown-time.ts';
import type { Ask } from './surroundings.ts';
import { type Column, Table } from './table.ts';

/** `bayeuxd nodes`: prints the nodes of a cluster. */
export async function nodes({ api, flags, clock, terminal, print }: Ask): Promise<void> {
  const { nodes: list } = await api.get('/nodes');
  if (!Array.isArray(list))
    throw new ClientError('the answer has no list of nodes: the server is of another version');
  const all = list.filter(isObject);
  const lines =
    flags.json === true
      ? all.map(jsonLine)
      : [...new Table(columns, terminal).lines(all), ...all.flatMap((node) => troubleOf(node, clock.now()))];
  for (const line of lines) print(line);
}

const columns: readonly Column<JsonObject>[] = [
  { title: 'NODE', of: ({ name }) => text(name) },
  { title: 'VERSION', isCut: true, of: ({ version }) => text(version) },
  { title: 'FORMATS', of: ({ formats }) => (Array.isArray(formats) ? formats.join('-') : '-') },
  { title: 'STATE', of: ({ state }) => text(state) },
  { title: 'SESSIONS', isNumber: true, of: ({ sessions }) => count(sessions) },
  { title: 'LAG', isNumber: true, of: ({ lag }) => count(isObject(lag) ? lag.entries : undefined) },
  { title: 'LATE', isNumber: true, of: ({ lag }) => duration(isObject(lag) ? lag.ms : undefined) },
  { title: 'BEAT', isNumber: true, of: ({ sinceBeat }) => duration(sinceBeat) },
  { title: 'LINK', of: linkOf },
];

function text(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : '-';
}

function count(value: unknown): string {
  return typeof value === 'number' ? grouped(value) : '-';
}

function duration(ms: unknown): string {
  return typeof ms === 'number' ? shownDuration(ms) : '-';
}

function linkOf({ isThis, isLinked }: JsonObject): string {
  if (isThis === true) return 'this';
  return isLinked === undefined ? '-' : isLinked === true ? 'yes' : 'no';
}

/** The latest trouble of a node, which may be over, in words. */
function troubleOf({ name, trouble }: JsonObject, now: number): string[] {
  if (!isObject(trouble) || typeof trouble.at !== 'number') return [];
  return [
    printable(`${text(name)} had trouble ${shownDuration(now - trouble.at)} ago: ${text(trouble.why)}`),
  ];
}
