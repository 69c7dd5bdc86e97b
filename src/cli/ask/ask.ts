import type { JsonObject } from '../../protocol/message.ts';
import { jsonLine } from '../json-line.ts';
import { apiAccess } from '../api-access.ts';
import { ApiClient, type Query } from '../api-client.ts';
import type { AskFlags, AskName } from './commands.ts';
import { ArgumentError, NothingFound } from '../client-error.ts';
import { countOf } from '../client-options.ts';
import { detailLines } from './detail.ts';
import { nodes } from './nodes.ts';
import { channelColumns, historyColumns, presenceColumns, sessionColumns, userColumns } from './lists.ts';
import type { Ask, AskSurroundings } from './surroundings.ts';
import { stats } from './stats.ts';
import { type Column, Table } from './table.ts';

/**
 * Carries out a command that asks a server. Throws `ArgumentError` for a wrong command line, `NothingFound` for something
 * that does not exist, and `ClientError` for any other failure.
 */
export async function ask(
  name: AskName,
  argument: string | undefined,
  flags: AskFlags,
  around: AskSurroundings,
): Promise<void> {
  checkFlags(name, argument, flags);
  const api = new ApiClient(apiAccess(flags, around.env), around.say);
  await commands[name]({ ...around, api, flags }, argument ?? '');
}

const commands: Readonly<Record<AskName, (ask: Ask, argument: string) => Promise<void>>> = {
  stats,
  nodes,
  sessions: (ask, id) => (id === '' ? sessions(ask) : session(ask, id)),
  users: (ask, name) => (name === '' ? users(ask) : sessionsOf(ask, name)),
  async channels(ask, pattern) {
    const query = { pattern: pattern === '' ? undefined : pattern };
    const count = await list(ask, { path: '/channels', name: 'channels', query }, channelColumns);
    if (count === 0) ask.say(`nobody subscribes${pattern === '' ? '' : ` to a channel in ${pattern}`}`);
  },
  async presence(ask, channel) {
    const columns = presenceColumns(ask.clock.now());
    const count = await list(ask, { path: '/presence', name: 'users', query: { channel } }, columns);
    if (count === 0) ask.say(`nobody is present in ${channel}`);
  },
  async history(ask, channel) {
    const { last, after } = ask.flags;
    const part =
      after === undefined
        ? { last: countOf('--last', last ?? '20', 1, 1000) }
        : { after: countOf('--after', after, 0) };
    const columns = historyColumns(ask.clock.now());
    const count = await list(ask, { path: '/history', name: 'events', query: { channel, ...part } }, columns);
    if (count === 0) ask.say(`the history of ${channel} has no such event`);
  },
  disconnect,
};

function checkFlags(name: AskName, argument: string | undefined, flags: AskFlags): void {
  const { user, transport, address, channel, limit, last, after } = flags;
  if (argument === '') throw new ArgumentError(`the argument of ${name} must not be empty`);
  if (name === 'disconnect' && (argument === undefined) === (user === undefined))
    throw new ArgumentError('give the id of a session, or --user with the name of a user');
  const filters = [user, transport, address, channel, limit];
  if (name === 'sessions' && argument !== undefined && filters.some((flag) => flag !== undefined))
    throw new ArgumentError('the id of a session says which one to show: leave the other flags out');
  if (last !== undefined && (after ?? limit) !== undefined)
    throw new ArgumentError('--last excludes --after and --limit: leave one out');
  if (name === 'history' && limit !== undefined && after === undefined)
    throw new ArgumentError('--limit goes with --after; for the newest events write --last');
}

async function sessions(ask: Ask): Promise<void> {
  const { user, transport, address, channel } = ask.flags;
  const query = { user, transport, address, channel };
  const count = await list(ask, { path: '/sessions', name: 'sessions', query }, sessionColumns);
  if (count === 0) ask.say('there is no such session');
}

async function session({ api, flags, print }: Ask, id: string): Promise<void> {
  const answer = await api.get(`/sessions/${encodeURIComponent(id)}`);
  if (flags.json === true) print(jsonLine(answer));
  else for (const line of detailLines(answer)) print(line);
}

async function users(ask: Ask): Promise<void> {
  const count = await list(ask, { path: '/users', name: 'users', query: {} }, userColumns);
  if (count === 0) ask.say('no user has a session');
}

async function sessionsOf(ask: Ask, user: string): Promise<void> {
  const count = await list(ask, { path: '/sessions', name: 'sessions', query: { user } }, sessionColumns);
  if (count === 0) throw new NothingFound(`the user ${user} has no session`);
}

async function disconnect({ api, flags, print }: Ask, session: string): Promise<void> {
  const { user, json } = flags;
  const target = user === undefined ? { session } : { user };
  const answer = await api.post('/disconnect', target);
  if (json === true) print(jsonLine(answer));
  if (answer.sessions === 0)
    throw new NothingFound(
      user === undefined
        ? `no open session has the id ${session}: nothing was ended`
        : `the user ${user} has no session: nothing was ended`,
    );
  if (json !== true) print(`ended ${answer.sessions === 1 ? '1 session' : `${answer.sessions} sessions`}`);
}

/** Prints a list as a table, or each item as a line of JSON. Resolves with the number of items. */
async function list(
  { api, flags, terminal, print }: Ask,
  { path, name, query }: { readonly path: string; readonly name: string; readonly query: Query },
  columns: readonly Column<JsonObject>[],
): Promise<number> {
  const table = new Table(columns, terminal);
  let count = 0;
  for await (const items of api.pages(path, { name, query, most: mostOf(flags, query) })) {
    count += items.length;
    if (items.length === 0) continue;
    const lines = flags.json === true ? items.map(jsonLine) : table.lines(items);
    for (const line of lines) print(line);
  }
  return count;
}

function mostOf({ limit }: AskFlags, { last }: Query): number | 'one answer' {
  if (last !== undefined) return 'one answer';
  return limit === undefined ? Number.POSITIVE_INFINITY : countOf('--limit', limit, 1);
}
