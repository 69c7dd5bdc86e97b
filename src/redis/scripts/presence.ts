import { type Caller, checks, nothing, numbered, type Outcome, Script, type ScriptRunner } from './script.ts';

const script = new Script(`#!lua
${checks}
${numbered('u')}
for at = 4, #ARGV, 3 do
  local id, user = ARGV[at + 1], ARGV[at + 2]
  local key = p .. 'u:' .. user
  if ARGV[at] == '+' then
    redis.call('HSET', key, id, node)
    redis.call('SADD', p .. 'nu:' .. node, user)
  else
    redis.call('HDEL', key, id)
    local here = false
    for _, owner in ipairs(redis.call('HVALS', key)) do here = here or owner == node end
    if not here then redis.call('SREM', p .. 'nu:' .. node, user) end
  end
end
redis.call('HINCRBY', p .. 'c', field, 1)
return {'OK'}
`);

/** A session of a user that came or went. */
export interface PresenceChange {
  /** Public id of the session. */
  readonly session: string;
  readonly user: string;
  readonly isHere: boolean;
}

/** Changes which sessions users have on a node. A call whose number was carried out does nothing, so that it may be sent twice. */
export function presence(
  runner: ScriptRunner,
  { node, birth }: Caller,
  number: number,
  changes: readonly PresenceChange[],
): Promise<Outcome<void>> {
  const rows = changes.flatMap(({ session, user, isHere }) => [isHere ? '+' : '-', session, user]);
  return runner.run(script, [node, birth, String(number), ...rows], nothing);
}
