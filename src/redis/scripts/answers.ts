import type { AnswerLimits, Begun } from '../../ports/shared.ts';
import { textOf } from '../reply.ts';
import { type Caller, checks, clock, nothing, type Outcome, Script, type ScriptRunner } from './script.ts';

/** Memory of an answer besides its text and its key. Bytes. */
const ENTRY = 300;

// A claim begins with its node. One of a node that is gone counts no more.
const beginning = new Script(`#!lua
${checks}
${clock}
local key = ARGV[3]
local until_ms = redis.call('ZSCORE', p .. 'kt', key)
if until_ms and tonumber(until_ms) > now then
  local answer = redis.call('HGET', p .. 'kh', key)
  if answer then return {'OK', 'done', answer} end
end
local claims, claim = p .. 'kr:' .. key, node .. ' ' .. ARGV[4]
local other = redis.call('GET', claims)
if other and other ~= claim and redis.call('ZSCORE', p .. 'nodes', string.match(other, '^%w+')) then
  return {'OK', 'running'}
end
redis.call('SET', claims, claim, 'PX', ARGV[5])
return {'OK', 'begun'}
`);

const ending = `
local claims = p .. 'kr:' .. key
if redis.call('GET', claims) == node .. ' ' .. ARGV[4] then redis.call('DEL', claims) end
`;

const finishing = new Script(`#!lua
${checks}
${clock}
local key, answer, max_age, max_bytes = ARGV[3], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
${ending}
local answers, times = p .. 'kh', p .. 'kt'
local bytes = tonumber(redis.call('HGET', answers, 'bytes') or '0')
local function forget(old)
  local text = redis.call('HGET', answers, old)
  if text then bytes = bytes - #old - #text - ${ENTRY} end
  redis.call('HDEL', answers, old)
  redis.call('ZREM', times, old)
end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', times, '-inf', now, 'LIMIT', 0, 1000)) do forget(old) end
if redis.call('HSETNX', answers, key, answer) == 1 then
  redis.call('ZADD', times, string.format('%.0f', now + max_age), key)
  bytes = bytes + #key + #answer + ${ENTRY}
end
while bytes > max_bytes do
  local oldest = redis.call('ZRANGE', times, 0, 0)[1]
  if not oldest then break end
  forget(oldest)
end
redis.call('HSET', answers, 'bytes', string.format('%.0f', bytes))
for _, name in ipairs({answers, times}) do
  if redis.call('PTTL', name) < max_age then redis.call('PEXPIRE', name, max_age) end
end
return {'OK'}
`);

const abandoning = new Script(`#!lua
${checks}
local key = ARGV[3]
${ending}
return {'OK'}
`);

/** Claims a key for `ms` milliseconds, unless there is an answer, or a claim of a node that is still there. May be sent twice. */
export function begin(
  runner: ScriptRunner,
  { node, birth }: Caller,
  key: string,
  claim: string,
  ms: number,
): Promise<Outcome<Begun>> {
  return runner.run(beginning, [node, birth, key, claim, String(ms)], ([is, answer]) => {
    if (is === 'done') return { is, answer: textOf(answer) };
    if (is === 'running' || is === 'begun') return { is };
    throw new Error(`a begin answered ${is}`);
  });
}

/**
 * Keeps an answer unless the key has one, and ends the claim. Past `maxBytes` the oldest answers are forgotten. May be sent twice. All of
 * them end `maxAge` after the last one.
 */
export function finish(
  runner: ScriptRunner,
  { node, birth }: Caller,
  key: string,
  claim: string,
  answer: string,
  { maxAge, maxBytes }: AnswerLimits,
): Promise<Outcome<void>> {
  const args = [node, birth, key, claim, answer, String(maxAge), String(maxBytes)];
  return runner.run(finishing, args, nothing);
}

/** Ends a claim without an answer. May be sent twice. */
export function abandon(
  runner: ScriptRunner,
  { node, birth }: Caller,
  key: string,
  claim: string,
): Promise<Outcome<void>> {
  return runner.run(abandoning, [node, birth, key, claim], nothing);
}
