import { numberOf } from '../reply.ts';
import { type Caller, checks, type Outcome, Script, type ScriptRunner } from './script.ts';

const script = new Script(`#!lua
${checks}
local key = p .. 't:' .. ARGV[3]
local taken = tonumber(redis.call('GET', key) or '0')
if taken >= tonumber(ARGV[4]) then return {'OK', 0} end
if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[5]) end
return {'OK', 1}
`);

/** Takes a token of a window that begins with its first token. Answers whether there was one. Sent again, it takes another. */
export function take(
  runner: ScriptRunner,
  { node, birth }: Caller,
  bucket: string,
  limit: number,
  windowMs: number,
): Promise<Outcome<boolean>> {
  const args = [node, birth, bucket, String(limit), String(windowMs)];
  return runner.run(script, args, ([granted]) => numberOf(granted) === 1);
}
