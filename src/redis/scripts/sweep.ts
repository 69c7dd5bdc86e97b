import { textOf } from '../reply.ts';
import { mailboxes } from './mailboxes.ts';
import { rosters } from './rosters.ts';
import { type Caller, checks, type Outcome, Script, type ScriptRunner } from './script.ts';

const script = new Script(`#!lua flags=allow-oom
${checks}
${mailboxes}
${rosters}
local dead, page = ARGV[3], tonumber(ARGV[4])
local holder = redis.call('GET', p .. 'sweep')
if dead ~= node then
  if redis.call('EXISTS', p .. 'n:' .. dead) == 1 then return {'OK', 'living'} end
  if holder and holder ~= node then return {'OK', 'busy'} end
  redis.call('SET', p .. 'sweep', node, 'PX', ARGV[5])
  holder = node
end
-- First: a node that comes back now learns that it has to tell everything anew.
local published = redis.call('HGET', p .. 'c', 'g:' .. dead)
if published and dead ~= node then redis.call('SET', p .. 'g:' .. dead, published, 'PX', ARGV[7]) end
redis.call('HDEL', p .. 'c', 'g:' .. dead, 'i:' .. dead, 'u:' .. dead, 'l:' .. dead)
local patterns = redis.call('SPOP', p .. 'ni:' .. dead, page)
for _, pattern in ipairs(patterns) do 
  redis.call('SREM', p .. 'i:' .. pattern, dead)
  unwatched(pattern)
end
-- After the interests: nothing more is put into the mailbox of the dead node.
local more = leave_all(p .. 'nr:' .. dead, dead, page)
more = leave_all(p .. 'nx:' .. dead, dead, page) or more
send(ARGV[6])
if #patterns == page or more then return {'OK', 'more'} end
redis.call('DEL', p .. 'in:' .. dead, p .. 'to:' .. dead, p .. 'n:' .. dead)
redis.call('HDEL', p .. 'c', dead)
redis.call('ZREM', p .. 'nodes', dead)
if holder == node then redis.call('DEL', p .. 'sweep') end
return {'OK', 'done'}
`);

/**
 * How far a sweep is. `busy`: another node sweeps now. `living`: the node has a lease. `more`: call it again. `done`: no key of the
 * node is left.
 */
export type Swept = 'busy' | 'living' | 'more' | 'done';

const answers: readonly Swept[] = ['busy', 'living', 'more', 'done'];

/** Limits of one call of a sweep. */
interface SweepLimits {
  /** Interests, and places on rosters. */
  page?: number;
  /** How long no other node sweeps. Milliseconds. */
  holdMs?: number;
  /** Entries that the mailbox of a node which watches a roster keeps. */
  maxMailbox?: number;
  /** Milliseconds. */
  rememberMs?: number;
}

/**
 * Removes interests, places on rosters, and mailbox of a node without a lease, or of the calling node, which leaves. A call removes a page of each. It
 * may be sent twice. The number of the last publication of a dead node is kept for `rememberMs`: if the node comes back, it has nothing to
 * publish again.
 */
export function sweep(
  runner: ScriptRunner,
  { node, birth }: Caller,
  dead: string,
  { page = 500, holdMs = 5000, maxMailbox = 100_000, rememberMs = 10_000 }: Readonly<SweepLimits> = {},
): Promise<Outcome<Swept>> {
  const args = [node, birth, dead, ...[page, holdMs, maxMailbox, rememberMs].map(String)];
  return runner.run(script, args, ([answer]) => sweptOf(textOf(answer)));
}

function sweptOf(text: string): Swept {
  const answer = answers.find((one) => one === text);
  if (answer === undefined) throw new Error(`a sweep answered ${text}`);
  return answer;
}
