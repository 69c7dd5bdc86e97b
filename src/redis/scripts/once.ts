import { textOf } from '../reply.ts';
import { type Caller, checks, type Outcome, Script, type ScriptRunner } from './script.ts';

const script = new Script(`#!lua
${checks}
local key = p .. 'k:' .. ARGV[3]
local answer = redis.call('GET', key)
if answer then return {'OK', answer} end
redis.call('SET', key, ARGV[4], 'PX', ARGV[5])
return {'OK', ARGV[4]}
`);

/** The answer under an idempotency key: that of an earlier call, else the given one, which is kept from now on. */
export function once(
  runner: ScriptRunner,
  { node, birth }: Caller,
  key: string,
  answer: string,
  ttlMs: number,
): Promise<Outcome<string>> {
  return runner.run(script, [node, birth, key, answer, String(ttlMs)], ([kept]) => textOf(kept));
}
