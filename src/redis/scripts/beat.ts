import type { Durability } from '../durability.ts';
import { listOf, numberOf, pairsOf, textOf } from '../reply.ts';
import { type Outcome, preamble, clock, Script, type ScriptRunner } from './script.ts';

// Works without free memory too: else every node would lose its lease.
const script = new Script(`#!lua flags=allow-oom
${preamble}
${clock}
local lease_ms = tonumber(ARGV[2])
local keep_ms = tonumber(ARGV[4])

local living, due, beats = {}, {}, {}
local formats = {cjson.decode(ARGV[3]).formats[2]}
local nodes = redis.call('ZRANGE', p .. 'nodes', 0, -1, 'WITHSCORES')
for at = 1, #nodes, 2 do
  local name = nodes[at]
  if name ~= node then
    local lease = redis.call('GET', p .. 'n:' .. name)
    if lease then
      living[#living + 1] = name
      living[#living + 1] = lease
      beats[#beats + 1] = nodes[at + 1]
      local theirs = cjson.decode(lease).formats
      if theirs then formats[#formats + 1] = theirs[2] end
    else
      due[#due + 1] = name
    end
  end
end
local format = math.min(unpack(formats))

local birth, up, format_was, run, id = unpack(redis.call('HMGET', KEYS[1], 'birth', 'up', 'format', 'run', 'id'))
if not birth then
  birth = ARGV[5]
  local first = string.format('%.0f', now * 1000)
  redis.call('HSET', KEYS[1], 'birth', birth, 'id', first, 'floor', first, 'at', 0)
end
local is_another = ARGV[9] ~= '' and ARGV[9] ~= run
if is_another then
  redis.call('HSET', KEYS[1], 'run', ARGV[9])
  -- Another Redis, or one that restarted, may not have the last ids: none of them may be issued again.
  if run and ARGV[10] ~= 'restart' then
    local first = string.format('%.0f', math.max(tonumber(id or '0') + 1, now * 1000))
    redis.call('HSET', KEYS[1], 'id', first)
    if ARGV[10] == 'none' then redis.call('HSET', KEYS[1], 'lost', first) end
  end
end
if tonumber(format_was) ~= format then redis.call('HSET', KEYS[1], 'format', format) end
-- Leases end while Redis is away, some before others. Give every node time to come back before one is swept.
local newest = redis.call('ZRANGE', p .. 'nodes', -1, -1, 'WITHSCORES')
if is_another or not newest[2] or now - newest[2] > lease_ms / 2 then
  up = string.format('%.0f', now)
  redis.call('HSET', KEYS[1], 'up', up)
end
if now < tonumber(up or now) + 2 * lease_ms then due = {} end

redis.call('SET', p .. 'n:' .. node, ARGV[3], 'PX', lease_ms)
redis.call('ZADD', p .. 'nodes', now, node)
redis.call('XTRIM', p .. 'in:' .. node, 'MINID', string.format('%.0f', now - keep_ms))
redis.call('XTRIM', p .. 'to:' .. node, 'MINID', string.format('%.0f', now - keep_ms))
-- Swept, or unknown: only in the second case it has to publish again what Redis lost.
local published = redis.call('GET', p .. 'g:' .. node) or ARGV[6]
local fresh = redis.call('HSETNX', p .. 'c', 'g:' .. node, published)
redis.call('HSETNX', p .. 'c', 'i:' .. node, ARGV[7])
redis.call('HSETNX', p .. 'c', 'u:' .. node, ARGV[8])
local numbers = redis.call('HMGET', p .. 'c', 'g:' .. node, 'i:' .. node, 'u:' .. node)
local oldest = redis.call('XRANGE', p .. 'in:' .. node, '(' .. ARGV[11], '+', 'COUNT', 1)[1]
local unread = {redis.call('HGET', p .. 'c', node) or 0, oldest and oldest[1] or ''}
return {'OK', birth, format, string.format('%.0f', now), fresh, numbers, living, due, beats, unread}
`);

/** The last running numbers of a node. */
export interface Numbers {
  readonly publications: number;
  readonly interests: number;
  readonly presences: number;
}

/** What a node says of itself. */
export interface Lease {
  /** The lowest and the highest format that it reads. */
  readonly formats: readonly [number, number];
  /** Where its links are taken, as `LinkSettings.advertise`; absent if it takes none. */
  readonly link?: string | undefined;
  /** With which texts for it are sealed: `NodeKeys.open`. Absent if nothing can be forwarded to it. */
  readonly key?: string | undefined;
  readonly [more: string]: unknown;
}

/** Arguments of a beat. */
export interface BeatRequest {
  readonly node: string;
  /** How long the lease lasts. Milliseconds. */
  readonly leaseMs: number;
  readonly lease: Lease;
  /** How long the mailbox keeps entries. Milliseconds. */
  readonly keepMs: number;
  /** Becomes the birth of the data where there is none: another random text each time. */
  readonly birth: string;
  /** Where the numbers go on if Redis does not know the node. */
  readonly numbers: Numbers;
  /** Run id of the Redis that is asked; undefined where it may not be asked. */
  readonly runId?: string | undefined;
  /**
   * What a Redis with another run id may have lost. `none`: the end of its data, so that all history ids so far count as possibly missing.
   * `failover`: nothing that was accepted, but ids that were seen before. `restart`, or absent: nothing.
   */
  readonly durability?: Durability | undefined;
  /** Id of the last entry of its mailbox that the node has read. */
  readonly read?: string;
}

/** What is in the mailbox of a node and was not read. */
export interface Unread {
  /** The running number of the last entry that was written. */
  readonly written: number;
  /** The id of the oldest unread entry. */
  readonly oldest: string | undefined;
}

/** What a beat tells. */
export interface Beat {
  readonly birth: string;
  /** The highest format that all living nodes read. */
  readonly format: number;
  /** The time of Redis. Epoch milliseconds. */
  readonly now: number;
  /** Redis did not know the node: its interests and presences have to be told anew. */
  readonly isFresh: boolean;
  /** The last numbers that Redis carried out. */
  readonly numbers: Numbers;
  /** The other nodes that have a lease, with the JSON of their leases. */
  readonly living: ReadonlyMap<string, string>;
  /** When each of them beat for the last time. Epoch milliseconds of Redis. */
  readonly beats: ReadonlyMap<string, number>;
  /** Nodes without a lease, which have to be swept. */
  readonly due: readonly string[];
  readonly unread: Unread;
}

/** Renews the lease of a node, and trims its mailbox by age. */
export async function beat(runner: ScriptRunner, request: BeatRequest): Promise<Beat> {
  const {
    node,
    leaseMs,
    lease,
    keepMs,
    birth,
    numbers,
    runId = '',
    durability = 'restart',
    read = '0-0',
  } = request;
  const { publications, interests, presences } = numbers;
  const own = [node, leaseMs, JSON.stringify(lease), keepMs, birth, publications, interests, presences];
  const args = [...own, runId, durability, read];
  return neverRefused(await runner.run(script, args.map(String), readBeat));
}

function readBeat([
  birth,
  format,
  now,
  fresh,
  numbers,
  leases,
  due,
  beats,
  unread,
]: readonly unknown[]): Beat {
  const [publications, interests, presences] = listOf(numbers).map(numberOf);
  const living = new Map(pairsOf(leases));
  const times = listOf(beats).map(numberOf);
  const [written, oldest] = listOf(unread);
  return {
    birth: textOf(birth),
    format: numberOf(format),
    now: numberOf(now),
    isFresh: numberOf(fresh) === 1,
    numbers: { publications: publications ?? 0, interests: interests ?? 0, presences: presences ?? 0 },
    living,
    beats: new Map(Array.from(living.keys(), (name, at) => [name, times[at] ?? 0])),
    due: listOf(due).map(textOf),
    unread: { written: numberOf(written), oldest: textOf(oldest) || undefined },
  };
}

function neverRefused<T>(outcome: Outcome<T>): T {
  if (outcome.is === 'OK') return outcome.value;
  throw new Error(`a beat is never refused, but Redis answered ${outcome.is}`);
}
