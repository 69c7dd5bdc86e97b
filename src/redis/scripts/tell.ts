import { numberOf } from '../reply.ts';
import { type Caller, checks, type Outcome, Script, type ScriptRunner } from './script.ts';

const script = new Script(`#!lua
${checks}
local to = ARGV[3]
if not redis.call('ZSCORE', p .. 'nodes', to) then return {'OK', 0} end
local n = redis.call('HINCRBY', p .. 'c', to, 1)
redis.call('XADD', p .. 'in:' .. to, 'MAXLEN', '~', ARGV[5], '*', 'n', n, 'c', ARGV[4])
return {'OK', 1}
`);

/** Puts a text for the node itself, and not for its sessions, into a mailbox. Answers whether there is such a node. Sent again, it comes twice. */
export function tell(
  runner: ScriptRunner,
  { node, birth }: Caller,
  to: string,
  text: string,
  maxMailbox: number,
): Promise<Outcome<boolean>> {
  const args = [node, birth, to, text, String(maxMailbox)];
  return runner.run(script, args, ([isThere]) => numberOf(isThere) === 1);
}
