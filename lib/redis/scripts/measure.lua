-- Counts and ids of a stream and of its groups, seen at one moment. Bodies stay on the server.
-- KEYS: stream, the set of its delayed entries, its dead letters.  ARGV: at most how many entries are counted for
-- groups whose lag the server cannot tell.
-- Answers {now in ms, delayed, dead, why there is no more ('': there is), length, first id, last id, last id given out,
-- entries ever appended, {group, pending, lowest pending id, last delivered id, lag, 1 where it may be greater,
-- {consumer, pending, idle in ms, ...}, group, ...}}. What there is none of, or cannot be told, is nothing.
local stream, most = KEYS[1], tonumber(ARGV[1])

-- Asked first: a right that is missing for one of them must not hide the others.
local function count(command, key)
  local counted = redis.acl_check_cmd(command, key) and redis.pcall(command, key)
  return type(counted) == 'number' and counted
end

local time = redis.call('TIME')
local answer = {
  string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), count('ZCARD', KEYS[2]), count('XLEN', KEYS[3]), '',
}

local function by_name(list)
  local values = {}
  for i = 1, #list, 2 do
    values[list[i]] = list[i + 1]
  end
  return values
end

-- Ids as texts that compare as the ids do; as numbers they would lose their ends.
local function comparable(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return string.rep('0', 20 - #ms) .. ms .. string.rep('0', 20 - #seq) .. seq
end

-- Bytes of entries that are looked at to count them, and of those that are looked at together.
local most_bytes, bytes_of_page = 8 * 1024 * 1024, 512 * 1024

-- Counts for groups whose lag is unknown how many entries come after the last id delivered to each: back from the end,
-- for all of them at once. In steps, because each entry brings its body to this script: a few first, then so many as the
-- last ones were small.
local function count_lags(unknown, length)
  if not redis.acl_check_cmd('XREVRANGE', stream, '+', '-') then
    return
  end
  table.sort(unknown, function(a, b) return a.last > b.last end)
  local counted, bytes, step, from, next_one = 0, 0, 4, '+', 1
  while unknown[next_one] and counted < most and bytes < most_bytes do
    local page = redis.call('XREVRANGE', stream, from, '-', 'COUNT', math.min(step, most - counted))
    local size = 0
    for _, entry in ipairs(page) do
      local id = comparable(entry[1])
      while unknown[next_one] and unknown[next_one].last >= id do
        unknown[next_one].tell(counted, 0)
        next_one = next_one + 1
      end
      counted = counted + 1
      for _, text in ipairs(entry[2]) do
        size = size + #text
      end
    end
    if #page == 0 then
      break
    end
    from = '(' .. page[#page][1]
    bytes = bytes + size
    step = math.max(1, math.min(500, step * 4, math.floor(bytes_of_page * #page / math.max(size, 1))))
  end
  -- Where there is no entry left to count these are all.
  local may_be_greater = counted < length and 1 or 0
  for i = next_one, #unknown do
    unknown[i].tell(counted, may_be_greater)
  end
end

-- There may be very many of them: all are told in the same order, so names are looked for but once.
local function consumers_of(group)
  local consumers, at = {}, {}
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    if not at.name then
      for i = 1, #consumer, 2 do
        at[consumer[i]] = i + 1
      end
    end
    local n = #consumers
    consumers[n + 1], consumers[n + 2], consumers[n + 3] = consumer[at.name], consumer[at.pending], consumer[at.idle]
  end
  return consumers
end

for _, command in ipairs({{'XINFO', 'STREAM', stream}, {'XINFO', 'GROUPS', stream}, {'XINFO', 'CONSUMERS', stream, ''},
  {'XPENDING', stream, '', '-', '+', '1'}}) do
  if not redis.acl_check_cmd(unpack(command)) then
    answer[4] = 'NOPERM this user has no permissions to run \'' .. table.concat(command, ' ') .. '\''
    return answer
  end
end
local info = redis.pcall('XINFO', 'STREAM', stream)
if info.err then
  answer[4] = info.err
  return answer
end
info = by_name(info)
local first, last = info['first-entry'], info['last-entry']
answer[5] = info.length
answer[6] = first and first[1]
answer[7] = last and last[1]
answer[8] = info['last-generated-id']
answer[9] = info['entries-added']

local groups, unknown = {}, {}
for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local of, at = by_name(group), #groups
  -- Not the summary, which goes through all consumers.
  local lowest = redis.call('XPENDING', stream, of.name, '-', '+', 1)[1]
  for _, value in ipairs({
    of.name, of.pending, lowest and lowest[1] or false, of['last-delivered-id'],
    -- Several versions count entries that were deleted.
    math.min(of.lag or 0, info.length), of.lag and 0 or 1, consumers_of(of.name),
  }) do
    groups[#groups + 1] = value
  end
  if not of.lag then
    unknown[#unknown + 1] = {
      last = comparable(of['last-delivered-id']),
      tell = function(lag, may_be_greater) groups[at + 5], groups[at + 6] = lag, may_be_greater end,
    }
  end
end
if unknown[1] then
  count_lags(unknown, info.length)
end
answer[10] = groups
return answer
