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

-- How many entries come after that id, in steps, because each brings its body to this script.
local function count_after(id)
  if not redis.acl_check_cmd('XRANGE', stream, '-', '+') then
    return 0, 1
  end
  local counted = 0
  while counted < most do
    local page = redis.pcall('XRANGE', stream, '(' .. id, '+', 'COUNT', math.min(500, most - counted))
    -- Behind the greatest id of all there is no interval.
    if page.err or #page == 0 then
      return counted, 0
    end
    counted = counted + #page
    id = page[#page][1]
  end
  return counted, 1
end

local function consumers_of(group)
  local consumers = {}
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    local of = by_name(consumer)
    consumers[#consumers + 1] = of.name
    consumers[#consumers + 1] = of.pending
    consumers[#consumers + 1] = of.idle
  end
  return consumers
end

for _, command in ipairs({{'XINFO', 'STREAM', stream}, {'XINFO', 'GROUPS', stream}, {'XINFO', 'CONSUMERS', stream, ''},
  {'XPENDING', stream, ''}}) do
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
  for _, value in ipairs({
    of.name, of.pending, redis.call('XPENDING', stream, of.name)[2], of['last-delivered-id'],
    -- Several versions count entries that were deleted.
    math.min(lag, info.length), may_be_greater, consumers_of(of.name),
  }) do
    groups[#groups + 1] = value
  end
end
answer[10] = groups
return answer
