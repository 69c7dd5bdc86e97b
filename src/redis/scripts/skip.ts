import { type Caller, checks, inOrder, nothing, type Outcome, Script, type ScriptRunner } from './script.ts';

// Works without free memory too: a refused publication must not stop those after it.
const script = new Script(`#!lua flags=allow-oom
${checks}
${inOrder}
redis.call('HINCRBY', p .. 'c', 'g:' .. node, ARGV[4])
local n = redis.call('HINCRBY', p .. 'c', node, 1)
redis.call('XADD', p .. 'in:' .. node, '*', 'n', n, 's', '[' .. ARGV[3] .. ',' .. ARGV[4] .. ']')
return {'OK'}
`);

/**
 * Uses up the numbers of a batch that is not published. If the batch was sent before and is still on its way, Redis refuses it
 * from now on. The own mailbox gets a note, field `s` with the first number and how many. `ORDER`: the batch was published or skipped
 * before; the mailbox tells which.
 */
export function skip(
  runner: ScriptRunner,
  { node, birth }: Caller,
  first: number,
  count: number,
): Promise<Outcome<void>> {
  return runner.run(script, [node, birth, String(first), String(count)], nothing);
}
