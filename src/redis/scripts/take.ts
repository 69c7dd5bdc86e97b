import { numberOf } from '../reply.ts';
import { type Caller, checks, clock, type Outcome, Script, type ScriptRunner } from './script.ts';

// A full bucket has no key. Sums of fractions are a little off, hence the 1e-6.
const script = new Script(`#!lua
${checks}
${clock}
local key = p .. 't:' .. ARGV[3]
local per_ms, capacity = tonumber(ARGV[4]) / 1000, tonumber(ARGV[5])
local tokens = capacity
local kept = redis.call('GET', key)
if kept then
  local had, at = string.match(kept, '^(%S+) (%S+)$')
  tokens = math.min(capacity, tonumber(had) + (now - tonumber(at)) * per_ms)
end
if tokens + 1e-6 < 1 then return {'OK', math.ceil((1 - tokens) / per_ms)} end
tokens = tokens - 1
local full_in = math.ceil((capacity - tokens) / per_ms)
redis.call('SET', key, string.format('%.6f %.0f', tokens, now), 'PX', math.max(1, full_in))
return {'OK', 0}
`);

/**
 * Takes a token of a bucket that gets `rate` tokens a second, and has at most `capacity`. Answers 0, or how long it takes until there is
 * one, in milliseconds. Sent again, it takes another.
 */
export function take(
  runner: ScriptRunner,
  { node, birth }: Caller,
  bucket: string,
  rate: number,
  capacity: number,
): Promise<Outcome<number>> {
  const args = [node, birth, bucket, String(rate), String(Math.max(1, capacity))];
  return runner.run(script, args, ([wait]) => numberOf(wait));
}
