import { numberOf } from '../reply.ts';
import { type Caller, checks, type Outcome, Script, type ScriptRunner } from './script.ts';

// Works without free memory too: what is told is removed as soon as it was read, and connects have to go on.
const script = new Script(`#!lua flags=allow-oom
${checks}
local to = ARGV[3]
if not redis.call('ZSCORE', p .. 'nodes', to) then return {'OK', 0} end
redis.call('XADD', p .. 'to:' .. to, 'MAXLEN', '~', ARGV[5], '*', 'c', ARGV[4])
return {'OK', 1}
`);

/** Tells a node a text, which is not for its sessions. Answers whether there is such a node. Sent again, it comes twice. */
export function tell(
  runner: ScriptRunner,
  { node, birth }: Caller,
  to: string,
  text: string,
  maxEntries: number,
): Promise<Outcome<boolean>> {
  const args = [node, birth, to, text, String(maxEntries)];
  return runner.run(script, args, ([isThere]) => numberOf(isThere) === 1);
}
