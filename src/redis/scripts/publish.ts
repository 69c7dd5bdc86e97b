import type { Retention } from '../../ports/history-store.ts';
import { mailboxes } from './mailboxes.ts';
import {
  type Caller,
  checks,
  clock,
  inOrder,
  nothing,
  type Outcome,
  Script,
  type ScriptRunner,
} from './script.ts';

/*
 * ARGV after the checks: first number, count of publications, highest length of a mailbox, count of channels.
 * For each channel: count of its interest keys, the keys.
 * For each publication: flags, place, envelope; the place is an index into the channels, or with the flag `t` a list of nodes.
 *   With the flag `h`: channel, most events, event as JSON. With the flag `a`: stored alone.
 */
const script = new Script(`#!lua
${checks}
${inOrder}
local counters = p .. 'c'
local count, max_len, channels = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local at = 7

local nodes = {}
for index = 1, channels do
  local keys = tonumber(ARGV[at])
  nodes[index] = redis.call('SUNION', unpack(ARGV, at + 1, at + keys))
  at = at + keys + 1
end

${mailboxes}
local floor, id, stored_at
local function store(channel, max_events, json)
  if not id then
    ${clock}
    local known = redis.call('HMGET', KEYS[1], 'floor', 'id', 'at')
    floor, id, stored_at = known[1], tonumber(known[2]), math.max(now, tonumber(known[3]))
  end
  id = id + 1
  local key = p .. 'h:' .. channel
  local length = redis.call('XLEN', key)
  if length == 0 then
    local place = string.match(channel, '^(.*)/[^/]*$') or ''
    local gone = redis.call('HGET', p .. 'hf', place)
    if not gone or tonumber(gone) < tonumber(floor) then gone = floor end
    redis.call('ZADD', p .. 'hc', 'NX', gone, channel)
  end
  local over = length + 1 - max_events
  if over > 0 and length > 0 then
    local oldest = redis.call('XRANGE', key, '-', '+', 'COUNT', over)
    redis.call('ZADD', p .. 'hc', 'GT', string.match(oldest[#oldest][1], '^%d+'), channel)
  end
  local entry = string.format('%.0f-0', id)
  redis.call('XADD', key, 'MAXLEN', max_events, entry, 'at', string.format('%.0f', stored_at), 'e', json)
  redis.call('XADD', p .. 'hi', entry, 'c', channel)
  return string.format('"h":%.0f,"at":%.0f', id, stored_at)
end

for index = 1, count do
  local flags, place, envelope = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  at = at + 3
  local stored = ''
  if flags ~= '' and string.find(flags, 'h', 1, true) then
    stored = store(ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2])
    envelope = string.sub(envelope, 1, -2) .. ',' .. stored .. '}'
    at = at + 3
  end
  if flags ~= '' and string.find(flags, 'a', 1, true) then
    put(node, 'r', string.format('[%.0f,{%s}]', last + index, stored))
  else
    if flags ~= '' and string.find(flags, 't', 1, true) then
      -- A mailbox of a node that is gone would stay for good.
      for name in string.gmatch(place, '%w+') do
        if name ~= node and redis.call('ZSCORE', p .. 'nodes', name) then put(name, 'p', envelope) end
      end
    else
      for _, name in ipairs(nodes[tonumber(place)]) do
        if name ~= node then put(name, 'p', envelope) end
      end
    end
    put(node, 'p', envelope)
  end
end

send(max_len)
redis.call('HINCRBY', counters, 'g:' .. node, count)
if id then redis.call('HSET', KEYS[1], 'id', string.format('%.0f', id), 'at', string.format('%.0f', stored_at)) end
return {'OK'}
`);

/** A publication on its way into the mailboxes. */
export interface Carried {
  readonly channel: string;
  /** JSON text of an object. */
  readonly envelope: string;
  /** The nodes that get it, besides the node that publishes. */
  readonly toNodes?: readonly string[] | undefined;
  /** Whether it is stored, and nobody is brought it. */
  readonly isRecord?: boolean | undefined;
  /** Stores the event, whose JSON text is `json`. */
  readonly durable?: { readonly retention: Pick<Retention, 'maxEvents'>; readonly json: string } | undefined;
}

/** Publications that go in one script call. Their numbers follow one another. */
export interface Batch {
  readonly first: number;
  readonly publications: readonly Carried[];
}

/**
 * Puts a batch into the mailboxes of all nodes that want it, and into that of the node that publishes, which so learns what became of each:
 * field `p` has the envelope, with the history id `h` and the time `at` if it was stored; field `r` has the number of a record, with
 * the same. Refused with `ORDER` unless its first number is the next: then it was done before, or one
 * before it is missing.
 */
export function publish(
  runner: ScriptRunner,
  { node, birth }: Caller,
  { first, publications }: Batch,
  maxMailbox: number,
): Promise<Outcome<void>> {
  const places = new Map<string, number>();
  const interests: string[] = [];
  const rows: string[] = [];
  for (const publication of publications) {
    const { channel, envelope, toNodes, isRecord, durable } = publication;
    const nodes = isRecord === true ? '' : toNodes?.join(',');
    rows.push(flagsOf(publication));
    rows.push(nodes ?? String(placeOf(channel, places, interests, runner)), envelope);
    if (durable !== undefined) rows.push(channel, String(durable.retention.maxEvents), durable.json);
  }
  const head = [
    node,
    birth,
    String(first),
    String(publications.length),
    String(maxMailbox),
    String(places.size),
  ];
  return runner.run(script, [...head, ...interests, ...rows], nothing);
}

function flagsOf({ toNodes, isRecord, durable }: Carried): string {
  return [
    toNodes === undefined ? '' : 't',
    durable === undefined ? '' : 'h',
    isRecord === true ? 'a' : '',
  ].join('');
}

function placeOf(
  channel: string,
  places: Map<string, number>,
  interests: string[],
  { keys }: ScriptRunner,
): number {
  const known = places.get(channel);
  if (known !== undefined) return known;
  const own = keys.interests(channel);
  interests.push(String(own.length), ...own);
  places.set(channel, places.size + 1);
  return places.size;
}
