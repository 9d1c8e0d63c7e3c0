-- Counts and ids of a stream and of its groups, seen at one moment. Bodies stay on the server.
-- KEYS: stream, the set of its delayed entries, its dead letters.  ARGV: at most how many entries are counted for a
-- group whose lag the server cannot tell.
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

-- Bytes of entries that are looked at to count them, for one group and at a time.
local most_bytes, bytes_of_page = 8 * 1024 * 1024, 512 * 1024

local function size_of(page)
  local size = 0
  for _, entry in ipairs(page) do
    for _, text in ipairs(entry[2]) do
      size = size + #text
    end
  end
  return size
end

-- How many entries come after that id. In steps, because each brings its body to this script: a few first, then so many
-- as the last ones were small.
local function count_after(id)
  if not redis.acl_check_cmd('XRANGE', stream, '-', '+') then
    return 0, 1
  end
  local counted, bytes, step = 0, 0, 4
  while counted < most and bytes < most_bytes do
    local page = redis.pcall('XRANGE', stream, '(' .. id, '+', 'COUNT', math.min(step, most - counted))
    -- Behind the greatest id of all there is no interval.
    if page.err or #page == 0 then
      return counted, 0
    end
    counted = counted + #page
    id = page[#page][1]
    local size = size_of(page)
    bytes = bytes + size
    step = math.max(1, math.min(500, step * 4, math.floor(bytes_of_page * #page / math.max(size, 1))))
  end
  return counted, 1
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

local groups = {}
for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local of = by_name(group)
  local lag, may_be_greater = of.lag, 0
  if not lag then
    lag, may_be_greater = count_after(of['last-delivered-id'])
  end
  -- Not the summary, which goes through all consumers.
  local lowest = redis.call('XPENDING', stream, of.name, '-', '+', 1)[1]
  for _, value in ipairs({
    of.name, of.pending, lowest and lowest[1] or false, of['last-delivered-id'],
    -- Several versions count entries that were deleted.
    math.min(lag, info.length), may_be_greater, consumers_of(of.name),
  }) do
    groups[#groups + 1] = value
  end
end
answer[10] = groups
return answer
