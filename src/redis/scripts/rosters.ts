/*
 * A roster of the name N:
 *   r:N      hash: `#` is the number of the last change; `u` and the id of an entry: number of the change with which it came, since,
 *            count of sessions, those of them that linger, info as JSON text
 *   rs:N     hash: session and id of its entry, to its node
 *   nr:NODE  set: session, N and id of each place that a node has; nx:NODE: those that it has to tell anew
 *   i:~N     set: nodes that watch
 * Session ids have no blanks or commas, and N has no line break.
 */

/** The name under which a roster is watched, as an interest. No channel begins so. */
export const watchOf = (roster: string): string => `~${roster}`;

/** For scripts that end an interest: numbers of a roster go on as long as it has users, or nodes that watch it. */
export const unwatched = `
local function end_empty(name)
  local key = p .. 'r:' .. name
  if redis.call('HLEN', key) <= 1 and redis.call('EXISTS', p .. 'i:~' .. name) == 0 then redis.call('DEL', key) end
end
local function unwatched(pattern)
  if string.sub(pattern, 1, 1) == '~' then end_empty(string.sub(pattern, 2)) end
end
`;

/** For scripts that change rosters. `enter`, `linger` and `leave` put each change into the mailboxes of the nodes that watch. */
export const rosters = `
${unwatched}
local watchers, reached = {}, {}

local function tell(name, kind, id, entry)
  local key = p .. 'r:' .. name
  local seq = string.format('%.0f', redis.call('HINCRBY', key, '#', 1))
  if kind == 'join' then entry.came = seq end
  if kind == 'leave' then
    redis.call('HDEL', key, 'u' .. id)
  else
    local words = {entry.came, entry.since, entry.count, entry.lingering, entry.info}
    redis.call('HSET', key, 'u' .. id, table.concat(words, ' '))
  end
  watchers[name] = watchers[name] or redis.call('SMEMBERS', p .. 'i:~' .. name)
  if #watchers[name] == 0 then return end
  local user = '{"id":' .. cjson.encode(id) .. ',"since":' .. entry.since .. ',"sessions":' .. entry.count
  if entry.info ~= '' then user = user .. ',"info":' .. entry.info end
  local total = redis.call('HLEN', key) - 1
  local text = '{"v":1,"roster":' .. cjson.encode(name) .. ',"change":{"type":"' .. kind .. '","user":' .. user ..
    '},"total":' .. total .. ',"seq":' .. seq .. '}}'
  for _, watcher in ipairs(watchers[name]) do put(watcher, 'a', text) end
  reached[name] = seq
end

local function entry_of(name, id)
  local text = redis.call('HGET', p .. 'r:' .. name, 'u' .. id)
  if not text then return nil end
  local came, since, count, lingering, info = string.match(text, '^(%d+) (%S+) (%d+) (%S*) (.*)$')
  return {came = came, since = since, count = tonumber(count), lingering = lingering, info = info}
end

local function without(list, session)
  local rest = {}
  for one in string.gmatch(list, '[^,]+') do
    if one ~= session then rest[#rest + 1] = one end
  end
  return table.concat(rest, ',')
end

local function place_of(name, id, session) return session .. ' ' .. name .. '\\n' .. id end

-- Of the entry alone; the caller keeps it. \`owner\`: only if this node has the session.
local function remove(name, id, session, entry, owner)
  local sessions, field = p .. 'rs:' .. name, session .. ' ' .. id
  local has = redis.call('HGET', sessions, field)
  if not has or (owner and has ~= owner) then return false end
  redis.call('HDEL', sessions, field)
  redis.call('SREM', p .. 'nr:' .. has, place_of(name, id, session))
  entry.count = entry.count - 1
  entry.lingering = without(entry.lingering, session)
  return true
end

local function add(name, id, session, entry)
  local sessions, field, place = p .. 'rs:' .. name, session .. ' ' .. id, place_of(name, id, session)
  local has = redis.call('HGET', sessions, field)
  if has ~= node then
    redis.call('HSET', sessions, field, node)
    if has then redis.call('SREM', p .. 'nr:' .. has, place) end
  end
  if redis.call('SMOVE', p .. 'nx:' .. node, p .. 'nr:' .. node, place) == 0 then
    redis.call('SADD', p .. 'nr:' .. node, place)
  end
  if not has then entry.count = entry.count + 1 end
end

local function enter(name, id, session, older, since, info, lingers)
  local known = entry_of(name, id)
  local entry = known or {since = since, count = 0, lingering = '', info = info}
  local count, seen = entry.count, entry.info
  local is_listed = redis.call('HEXISTS', p .. 'rs:' .. name, session .. ' ' .. id) == 1
  -- Gone, and the place was taken, or need not be.
  if lingers and known and not is_listed then return end
  entry.lingering = without(entry.lingering, session)
  local has_room = older ~= '' and remove(name, id, older, entry)
  local first = string.match(entry.lingering, '^[^,]+')
  if first and not is_listed and not has_room then remove(name, id, first, entry) end
  add(name, id, session, entry)
  if lingers then entry.lingering = string.gsub(entry.lingering .. ',' .. session, '^,', '') end
  entry.info = info
  if not known then
    tell(name, 'join', id, entry)
  elseif entry.count ~= count or seen ~= info then
    tell(name, 'update', id, entry)
  else
    local words = {entry.came, entry.since, entry.count, entry.lingering, entry.info}
    redis.call('HSET', p .. 'r:' .. name, 'u' .. id, table.concat(words, ' '))
  end
end

local function leave(name, id, session, owner)
  local entry = entry_of(name, id)
  if not entry or not remove(name, id, session, entry, owner) then return end
  tell(name, entry.count == 0 and 'leave' or 'update', id, entry)
  if entry.count == 0 then end_empty(name) end
end

-- All places that a set has, a page at a time. Answers whether there may be more.
local function leave_all(key, owner, page)
  local places = redis.call('SPOP', key, page)
  for _, place in ipairs(places) do
    local session, name, id = string.match(place, '^(%S+) ([^\\n]*)\\n(.*)$')
    leave(name, id, session, owner)
  end
  return #places == page
end
`;
