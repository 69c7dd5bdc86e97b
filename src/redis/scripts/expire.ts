import type { Retention } from '../../ports/history-store.ts';
import { listOf, textOf } from '../reply.ts';
import { type Caller, checks, clock, type Outcome, Script, type ScriptRunner } from './script.ts';

const script = new Script(`#!lua flags=allow-oom
${checks}
${clock}
local page = tonumber(ARGV[3])

local function forget(channel)
  local discarded = redis.call('ZSCORE', p .. 'hc', channel)
  redis.call('ZREM', p .. 'hc', channel)
  local place = string.match(channel, '^(.*)/[^/]*$')
  if not discarded or not place then return end
  local known = tonumber(redis.call('HGET', p .. 'hf', place) or '0')
  redis.call('HSET', p .. 'hf', place, string.format('%.0f', math.max(known, tonumber(discarded))))
  if redis.call('HLEN', p .. 'hf') <= 1000 then return end
  -- The lowest of a few goes: from then on it counts for all channels.
  local some = redis.call('HRANDFIELD', p .. 'hf', 10, 'WITHVALUES')
  local lowest = 1
  for at = 3, #some, 2 do
    if tonumber(some[at + 1]) < tonumber(some[lowest + 1]) then lowest = at end
  end
  redis.call('HDEL', p .. 'hf', some[lowest])
  local floor = math.max(tonumber(redis.call('HGET', KEYS[1], 'floor')), tonumber(some[lowest + 1]))
  redis.call('HSET', KEYS[1], 'floor', string.format('%.0f', floor))
end

local function too_old(entries, before)
  local highest
  for _, entry in ipairs(entries) do
    if tonumber(entry[2][2]) >= before then break end
    highest = tonumber(string.match(entry[1], '^%d+'))
  end
  return highest
end

local more = {}
for at = 4, #ARGV, 3 do
  local channel, max_age, max_events = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local key = p .. 'h:' .. channel
  local over = redis.call('XLEN', key) - max_events
  local highest = too_old(redis.call('XRANGE', key, '-', '+', 'COUNT', 1), now - max_age)
  if highest then highest = too_old(redis.call('XRANGE', key, '-', '+', 'COUNT', page), now - max_age) end
  if over > 0 then
    local oldest = redis.call('XRANGE', key, '-', '+', 'COUNT', math.min(over, page))
    highest = math.max(highest or 0, tonumber(string.match(oldest[#oldest][1], '^%d+')))
  end
  if highest then
    redis.call('ZADD', p .. 'hc', 'GT', string.format('%.0f', highest), channel)
    if redis.call('XTRIM', key, 'MINID', string.format('%.0f-0', highest + 1)) >= page then more[#more + 1] = channel end
  end
  if redis.call('XLEN', key) == 0 then
    redis.call('DEL', key)
    forget(channel)
  end
end

-- The index keeps nothing below the lowest event that is kept.
local firsts, lowest = {}, nil
local index = redis.call('XRANGE', p .. 'hi', '-', '+', 'COUNT', page)
for _, entry in ipairs(index) do
  local channel, id = entry[2][2], tonumber(string.match(entry[1], '^%d+'))
  local first = firsts[channel]
  if not first then
    local oldest = redis.call('XRANGE', p .. 'h:' .. channel, '-', '+', 'COUNT', 1)[1]
    first = oldest and tonumber(string.match(oldest[1], '^%d+')) or math.huge
    firsts[channel] = first
  end
  if id >= first then
    lowest = id
    break
  end
end
if lowest then
  redis.call('XTRIM', p .. 'hi', 'MINID', string.format('%.0f-0', lowest))
elseif #index == page then
  redis.call('XTRIM', p .. 'hi', 'MINID', string.format('%.0f-0', tonumber(string.match(index[page][1], '^%d+')) + 1))
  more[#more + 1] = ''
elseif #index > 0 then
  redis.call('DEL', p .. 'hi')
end
return {'OK', more}
`);

/**
 * Discards events of these channels that are too old or too many, at most `page` of each, and the index of what is gone. Answers with the
 * channels that have more to discard; an empty name among them stands for the index. It may be sent twice.
 */
export function expire(
  runner: ScriptRunner,
  { node, birth }: Caller,
  channels: ReadonlyMap<string, Retention>,
  page = 100,
): Promise<Outcome<readonly string[]>> {
  const rows = Array.from(channels, ([channel, { maxAge, maxEvents }]) => [
    channel,
    String(maxAge),
    String(maxEvents),
  ]);
  const args = [node, birth, String(page), ...rows.flat()];
  return runner.run(script, args, ([more]) => listOf(more).map(textOf));
}
