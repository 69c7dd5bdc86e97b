import { unwatched } from './rosters.ts';
import { type Caller, checks, nothing, numbered, type Outcome, Script, type ScriptRunner } from './script.ts';

const script = new Script(`#!lua
${checks}
${numbered('i')}
${unwatched}
for at = 4, #ARGV, 2 do
  local command, pattern = 'SADD', ARGV[at + 1]
  if ARGV[at] == '-' then command = 'SREM' end
  redis.call(command, p .. 'i:' .. pattern, node)
  redis.call(command, p .. 'ni:' .. node, pattern)
  if command == 'SREM' then unwatched(pattern) end
end
redis.call('HINCRBY', p .. 'c', field, 1)
return {'OK'}
`);

/** A pattern that a node wants from now on, or no longer. */
export interface InterestChange {
  readonly pattern: string;
  readonly isWanted: boolean;
}

/** Changes the interests of a node. A call whose number was carried out does nothing, so that it may be sent twice. */
export function interest(
  runner: ScriptRunner,
  { node, birth }: Caller,
  number: number,
  changes: readonly InterestChange[],
): Promise<Outcome<void>> {
  const rows = changes.flatMap(({ pattern, isWanted }) => [isWanted ? '+' : '-', pattern]);
  return runner.run(script, [node, birth, String(number), ...rows], nothing);
}
