import type { PresentUser, Roster } from '../../ports/directory.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { numberOf, pairsOf } from '../reply.ts';
import { preamble, Script, type ScriptRunner } from './script.ts';

const script = new Script(`#!lua flags=no-writes
${preamble}
local key = p .. 'r:' .. ARGV[2]
local watched = redis.call('SISMEMBER', p .. 'i:~' .. ARGV[2], node)
if ARGV[3] == '0' then return {'OK', watched, {'#', redis.call('HGET', key, '#') or '0'}, redis.call('HLEN', key)} end
return {'OK', watched, redis.call('HGETALL', key), 0}
`);

/** A roster as Redis has it. */
export interface ReadRoster extends Roster {
  /** Whether the node is brought each change after `seq`. */
  readonly isWatched: boolean;
}

/** Reads a roster. `withUsers`: if false, `users` is empty. */
export async function readRoster(
  runner: ScriptRunner,
  node: string,
  name: string,
  withUsers = true,
): Promise<ReadRoster> {
  const outcome = await runner.run(script, [node, name, withUsers ? '1' : '0'], rosterOf);
  if (outcome.is === 'OK') return outcome.value;
  throw new Error(`a read is never refused, but Redis answered ${outcome.is}`);
}

function rosterOf([watched, fields, length]: readonly unknown[]): ReadRoster {
  let seq = 0;
  const came: (readonly [number, PresentUser])[] = [];
  for (const [field, text] of pairsOf(fields)) {
    if (field === '#') seq = Number(text);
    else came.push(entryOf(field.slice(1), text));
  }
  const users = came.sort(([one], [other]) => one - other).map(([, user]) => user);
  const total = Math.max(users.length, numberOf(length) - 1);
  return { isWatched: numberOf(watched) === 1, seq, total, users };
}

// Written by the script: number of the change, since, count of sessions, those that linger, info.
function entryOf(id: string, text: string): readonly [number, PresentUser] {
  const words = /^(\d+) (\S+) (\d+) \S* (.*)$/s.exec(text);
  if (words === null) throw new Error(`the entry of a roster is ${text}`);
  const [, came, since, sessions, info = ''] = words;
  const user = { id, ...infoOf(info), since: Number(since), sessions: Number(sessions) };
  return [Number(came), user];
}

function infoOf(text: string): { readonly info?: JsonObject } {
  const info: unknown = text === '' ? undefined : JSON.parse(text);
  return isObject(info) ? { info } : {};
}
