import { numberOf, pairsOf } from '../reply.ts';
import { mailboxes } from './mailboxes.ts';
import { rosters } from './rosters.ts';
import { type Caller, checks, numbered, type Outcome, Script, type ScriptRunner } from './script.ts';

/** Places that a call takes out because the node did not tell them anew. */
const PAGE = 500;

const script = new Script(`#!lua
${checks}
${numbered('u')}
${mailboxes}
${rosters}
local at, more = 5, 0
while at <= #ARGV do
  local kind, name, id, session = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  if kind == '=' then
    redis.call('SUNIONSTORE', p .. 'nx:' .. node, p .. 'nx:' .. node, p .. 'nr:' .. node)
    redis.call('DEL', p .. 'nr:' .. node)
    at = at + 1
  elseif kind == '!' then
    if leave_all(p .. 'nx:' .. node, node, ${PAGE}) then more = 1 end
    at = at + 1
  elseif kind == '-' then
    leave(name, id, session, node)
    at = at + 4
  else
    enter(name, id, session, ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], kind == '~')
    at = at + 7
  end
end
send(ARGV[4])
redis.call('HINCRBY', p .. 'c', field, 1)
local numbers = {}
for name, seq in pairs(reached) do
  numbers[#numbers + 1] = name
  numbers[#numbers + 1] = seq
end
return {'OK', more, numbers}
`);

/** What becomes of a session on a roster. */
export type PlaceChange =
  | {
      readonly is: 'here' | 'lingering';
      readonly roster: string;
      readonly id: string;
      readonly session: string;
      /** The session whose place it takes; empty if any that lingers. */
      readonly inPlaceOf: string;
      /** Epoch milliseconds. */
      readonly since: number;
      /** JSON text, or empty. */
      readonly info: string;
    }
  | { readonly is: 'gone'; readonly roster: string; readonly id: string; readonly session: string };

/**
 * A change of the places of a node. `begin`: all places are told anew from here on, since Redis may not have them as they are. `end`: they
 * have been; a page of the others is taken out.
 */
export type AttendChange = PlaceChange | { readonly is: 'begin' | 'end' };

/** What a call has done. */
export interface Attended {
  /** Whether `end` has to be told again, for another page. True as well if the call was carried out before, since its answer is lost. */
  readonly hasMore: boolean;
  /** The last change of each roster that some node watches, as far as the answer tells. */
  readonly reached: ReadonlyMap<string, number>;
}

/**
 * Changes the places of a node on rosters, and puts what changes for viewers into the mailboxes of the nodes that watch. A call whose number was
 * carried out does nothing, so that it may be sent twice.
 */
export function attend(
  runner: ScriptRunner,
  { node, birth }: Caller,
  number: number,
  changes: readonly AttendChange[],
  maxMailbox: number,
): Promise<Outcome<Attended>> {
  const args = [node, birth, String(number), String(maxMailbox), ...changes.flatMap(rowOf)];
  return runner.run(script, args, readAttended);
}

/** About what a change takes in a call. Bytes. */
export function bytesOf(change: AttendChange): number {
  return rowOf(change).reduce((sum, { length }) => sum + length, 0);
}

function rowOf(change: AttendChange): string[] {
  switch (change.is) {
    case 'begin':
      return ['='];
    case 'end':
      return ['!'];
    case 'gone':
      return ['-', change.roster, change.id, change.session];
    case 'here':
    case 'lingering': {
      const { is, roster, id, session, inPlaceOf, since, info } = change;
      return [is === 'here' ? '+' : '~', roster, id, session, inPlaceOf, String(since), info];
    }
  }
}

function readAttended([more, reached]: readonly unknown[]): Attended {
  if (reached === undefined) return { hasMore: true, reached: new Map() };
  const numbers = pairsOf(reached).map(([name, seq]) => [name, Number(seq)] as const);
  return { hasMore: numberOf(more) === 1, reached: new Map(numbers) };
}
