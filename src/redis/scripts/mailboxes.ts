/**
 * For scripts that write into mailboxes. `put` adds a field to the entry that a node gets; `send` writes the entries: one for each node,
 * whatever was put there.
 */
export const mailboxes = `
local entries, order = {}, {}
local function put(name, field, value)
  local entry = entries[name]
  if not entry then
    entry = {}
    entries[name] = entry
    order[#order + 1] = name
  end
  entry[#entry + 1] = field
  entry[#entry + 1] = value
end
local function send(max_len)
  for _, name in ipairs(order) do
    local n = redis.call('HINCRBY', p .. 'c', name, 1)
    redis.call('XADD', p .. 'in:' .. name, 'MAXLEN', '~', max_len, '*', 'n', n, unpack(entries[name]))
  end
end
`;
