import { listOf, textOf } from '../reply.ts';
import { type Caller, checks, nothing, type Outcome, preamble, Script, type ScriptRunner } from './script.ts';

// A late copy of a call has a number that is not above the last.
const change = new Script(`#!lua
${checks}
local field, number = 'l:' .. node, tonumber(ARGV[3])
if number <= tonumber(redis.call('HGET', p .. 'c', field) or '0') then return {'OK'} end
local key = p .. 'gr:' .. ARGV[5]
if ARGV[4] == '+' then
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2] or '0'
  redis.call('ZADD', key, 'NX', string.format('%.0f', tonumber(last) + 1), ARGV[6])
else
  redis.call('ZREM', key, ARGV[6])
end
redis.call('HSET', p .. 'c', field, number)
return {'OK'}
`);

const read = new Script(`#!lua flags=no-writes
${preamble}
return {'OK', redis.call('ZRANGE', p .. 'gr:' .. ARGV[2], 0, -1)}
`);

/** A user who is in a group from now on, or no longer. */
export interface GroupChange {
  readonly group: string;
  readonly user: string;
  readonly isIn: boolean;
}

/**
 * Changes a group, unless a call of the node with this number, or a higher one, was carried out: it may be sent twice, and a copy that comes late
 * does nothing.
 */
export function changeGroup(
  runner: ScriptRunner,
  { node, birth }: Caller,
  number: number,
  { group, user, isIn }: GroupChange,
): Promise<Outcome<void>> {
  return runner.run(change, [node, birth, String(number), isIn ? '+' : '-', group, user], nothing);
}

/** The users in a group, in the order in which they were added. */
export function membersOf(
  runner: ScriptRunner,
  node: string,
  group: string,
): Promise<Outcome<readonly string[]>> {
  return runner.run(read, [node, group], ([users]) => listOf(users).map(textOf));
}
