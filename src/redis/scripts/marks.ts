import { type Mark, MARK_BYTES } from '../../ports/shared.ts';
import { listOf, numberOf, textOf } from '../reply.ts';
import { type Caller, checks, clock, type Outcome, Script, type ScriptRunner } from './script.ts';

/** Marks that go in one call. */
export const PAGE = 500;

// Numbers of changes are times, so that they ascend when all data is lost too.
const adding = new Script(`#!lua
${checks}
${clock}
local list, max_entries, max_bytes = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local ats, ends, changes, meta = p .. 'ma:' .. list, p .. 'me:' .. list, p .. 'mc:' .. list, p .. 'mm:' .. list
local known = redis.call('HMGET', meta, 'change', 'bytes', 'end')
local change = math.max(tonumber(known[1] or '0'), now * 1000)
local bytes, last_end = tonumber(known[2] or '0'), tonumber(known[3] or '0')
local function memory(id) return ${MARK_BYTES} + 2 * #id end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('HDEL', ats, id)
  redis.call('ZREM', ends, id)
  redis.call('ZREM', changes, id)
  bytes = bytes - memory(id)
end
local count, full = redis.call('ZCARD', ends), ''
for at = 6, #ARGV, 3 do
  local id, since, till = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local old = redis.call('HGET', ats, id)
  if not old and count >= max_entries then
    full = 'maxEntries'
  elseif not old and bytes + memory(id) > max_bytes then
    full = 'maxBytes'
  elseif till > now then
    local old_till = tonumber(old and redis.call('ZSCORE', ends, id) or '0')
    if not old or since > tonumber(old) or till > old_till then
      change = change + 1
      redis.call('HSET', ats, id, string.format('%.0f', math.max(since, tonumber(old or '0'))))
      redis.call('ZADD', ends, 'GT', ARGV[at + 2], id)
      redis.call('ZADD', changes, string.format('%.0f', change), id)
      last_end = math.max(last_end, till)
    end
    if not old then
      count = count + 1
      bytes = bytes + memory(id)
    end
  end
end
redis.call('HSET', meta, 'change', string.format('%.0f', change), 'bytes', bytes, 'end', string.format('%.0f', last_end))
for _, key in ipairs({ats, ends, changes, meta}) do
  if last_end == math.huge then redis.call('PERSIST', key) else redis.call('PEXPIREAT', key, string.format('%.0f', last_end)) end
end
return {'OK', full}
`);

const reading = new Script(`#!lua
${checks}
local list = ARGV[3]
local found = redis.call('ZRANGEBYSCORE', p .. 'mc:' .. list, '(' .. ARGV[4], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[5])
local marks = {}
for at = 1, #found, 2 do
  local id = found[at]
  marks[#marks + 1] = id
  marks[#marks + 1] = redis.call('HGET', p .. 'ma:' .. list, id)
  marks[#marks + 1] = redis.call('ZSCORE', p .. 'me:' .. list, id)
end
return {'OK', found[#found] or ARGV[4], marks}
`);

/** The bound that leaves no room for a mark. */
export type Full = 'maxEntries' | 'maxBytes';

/**
 * Adds marks to a list, or extends those that are there. Answers with the bound that left no room for one of them, if there is one. Sent
 * again, it changes nothing.
 */
export function addMarks(
  runner: ScriptRunner,
  { node, birth }: Caller,
  list: string,
  marks: readonly Mark[],
  { maxEntries, maxBytes }: { readonly maxEntries: number; readonly maxBytes: number },
): Promise<Outcome<Full | undefined>> {
  const rows = marks.flatMap(({ id, at, until }) => [
    id,
    String(at),
    until === Infinity ? 'inf' : String(until),
  ]);
  return runner.run(adding, [node, birth, list, String(maxEntries), String(maxBytes), ...rows], ([full]) =>
    full === 'maxEntries' || full === 'maxBytes' ? full : undefined,
  );
}

/** Marks of a list, and the number of the last change among them. */
export interface MarkPage {
  readonly change: number;
  readonly marks: readonly Mark[];
}

/** Up to `PAGE` marks of a list that changed after the change with this number, in the order of their changes. */
export function readMarks(
  runner: ScriptRunner,
  { node, birth }: Caller,
  list: string,
  after: number,
): Promise<Outcome<MarkPage>> {
  return runner.run(reading, [node, birth, list, String(after), String(PAGE)], ([change, marks]) => ({
    change: numberOf(change),
    marks: marksOf(listOf(marks)),
  }));
}

function marksOf(flat: readonly unknown[]): Mark[] {
  const marks: Mark[] = [];
  for (let at = 0; at < flat.length; at += 3) {
    const until = textOf(flat[at + 2]);
    marks.push({
      id: textOf(flat[at]),
      at: numberOf(flat[at + 1]),
      until: until === 'inf' ? Infinity : numberOf(until),
    });
  }
  return marks;
}
