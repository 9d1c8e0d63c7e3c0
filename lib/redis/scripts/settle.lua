-- Ends deliveries that the consumer still has.
-- KEYS: stream, with a token the group's record, with dead items the dead-letter stream.
-- ARGV: group, consumer, token, how many dead letters are kept (0: all), how old they may be in ms (0: any), the
-- channel of hints, the stream's name, then for each item: kind ('ack', 'remove', 'release' or 'dead'), id, attempts, idle in ms, reason, error.
-- Answers for each item 0 (settled), 1 (another's, or settled before), 2 (removed from the stream), or the text of an
-- error that kept the item pending.
--
-- Nothing here raises after a write: a missing group, a wrong type or a user who may not acknowledge raise before
-- anything is written, and what can fail later (XADD at a full memory, XCLAIM for want of permission) is called
-- protected. The XACK behind a refused XADD would succeed and lose the event.
local stream, dead_stream, group, consumer, token = KEYS[1], KEYS[#KEYS], ARGV[1], ARGV[2], ARGV[3]
local most_letters, oldest_letter = tonumber(ARGV[4]), tonumber(ARGV[5])

local owner = token ~= '' and redis.call('HGET', KEYS[2], 'owner:' .. consumer)
if owner and owner ~= token then
  return redis.error_reply('NAMETAKEN ' .. consumer .. ' of the group ' .. group .. ' of ' .. stream)
end

-- include deliveries.lua
-- Arguments of a Lua call are limited to about 8000.
local most_fields = 7000

-- Milliseconds since 1970. A user who buries nothing need not be permitted to ask.
local time
local function now()
  time = time or redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function dead_fields(id, entry, attempts, reason, err)
  local fields, origin = {}, {}
  if #entry > most_fields then
    err = err .. ' (too many fields to be copied: ' .. #entry / 2 .. ')'
  else
    for i = 1, #entry, 2 do
      local name, value = entry[i], entry[i + 1]
      if name == 'dead-stream' or name == 'dead-id' then
        origin[name] = value
      elseif string.sub(name, 1, 5) ~= 'dead-' then
        fields[#fields + 1] = name
        fields[#fields + 1] = value
      end
    end
  end
  for _, value in ipairs({
    'dead-stream', origin['dead-stream'] or ARGV[7], 'dead-id', origin['dead-id'] or id,
    'dead-group', group, 'dead-consumer', consumer, 'dead-reason', reason, 'dead-error', err,
    'dead-attempts', attempts, 'dead-at', string.format('%.0f', now()),
  }) do
    fields[#fields + 1] = value
  end
  return fields
end

-- Trims the dead letters to their limits. At most about so many go in a call, more than it has added.
local most_trimmed = 2000

local function trim_letters()
  if most_letters > 0 then
    local length = redis.pcall('XLEN', dead_stream)
    if type(length) == 'number' and length > most_letters then
      redis.pcall('XTRIM', dead_stream, 'MAXLEN', string.format('%.0f', math.max(most_letters, length - most_trimmed)))
    end
  end
  if oldest_letter > 0 then
    local from = string.format('%.0f', math.max(now() - oldest_letter, 0))
    -- Exact trimming knows no limit, and approximate trimming removes whole nodes only: first those.
    local trimmed, total = 0, 0
    repeat
      trimmed = redis.pcall('XTRIM', dead_stream, 'MINID', '~', from, 'LIMIT', most_trimmed)
      if type(trimmed) ~= 'number' then
        return
      end
      total = total + trimmed
    until trimmed == 0 or total >= most_trimmed
    if trimmed == 0 then
      redis.pcall('XTRIM', dead_stream, 'MINID', from)
    end
  end
end

-- Ids as texts that compare as the ids do; as numbers they would lose their ends.
local function comparable(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return string.rep('0', 20 - #ms) .. ms .. string.rep('0', 20 - #seq) .. seq
end

local groups, removes

local function may_remove()
  if removes == nil then
    removes = redis.acl_check_cmd('XINFO', 'GROUPS', stream) and redis.acl_check_cmd('XDEL', stream, '0-0')
  end
  return removes
end

-- Whether all groups have read and settled the entry.
local function is_unneeded(id)
  if not groups then
    groups = {}
    for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
      local of = {}
      for i = 1, #info, 2 do
        of[info[i]] = info[i + 1]
      end
      groups[#groups + 1] = {name = of.name, last = comparable(of['last-delivered-id'])}
    end
  end
  for _, each in ipairs(groups) do
    if each.last < comparable(id) or redis.call('XPENDING', stream, each.name, id, id, 1)[1] then
      return false
    end
  end
  return true
end

-- Asked, not tried: after any write the server no longer refuses an XADD at full memory.
if not redis.acl_check_cmd('XACK', stream, group, '0-0') then
  return redis.error_reply('NOPERM this user has no permissions to run the \'xack\' command')
end

local may_trim = most_letters == 0 and oldest_letter == 0
  or redis.acl_check_cmd('XTRIM', dead_stream, 'MAXLEN', '1') and redis.acl_check_cmd('XLEN', dead_stream)

local ids = {}
for i = 9, #ARGV, 6 do
  ids[#ids + 1] = ARGV[i]
end
local deliveries = deliveries_of(ids)

local answers, letters, hint = {}, 0, false
for i = 8, #ARGV, 6 do
  local kind, id, attempts, idle = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local answer = 0
  if not deliveries(id) then
    answer = 1
  elseif kind == 'ack' then
    redis.call('XACK', stream, group, id)
  elseif kind == 'remove' and not may_remove() then
    answer = 'NOPERM this user has no permissions to run the \'xdel\' or the \'xinfo|groups\' command'
  elseif kind == 'remove' then
    redis.call('XACK', stream, group, id)
    if is_unneeded(id) then
      redis.pcall('XDEL', stream, id)
    end
  elseif kind == 'release' then
    local kept = redis.pcall('XCLAIM', stream, group, consumer, 0, id, 'IDLE', idle, 'RETRYCOUNT', attempts, 'JUSTID')
    if kept.err then
      answer = kept.err
    elseif kept[1] then
      hint = true
    else
      redis.call('XACK', stream, group, id)
      answer = 2
    end
  elseif not may_trim then
    answer = 'NOPERM this user has no permissions to run the \'xtrim\' or the \'xlen\' command'
  else
    local entry = redis.call('XRANGE', stream, id, id)[1]
    if not entry then
      redis.call('XACK', stream, group, id)
      answer = 2
    else
      local added = redis.pcall('XADD', dead_stream, '*',
        unpack(dead_fields(id, entry[2], attempts, ARGV[i + 4], ARGV[i + 5])))
      if type(added) == 'table' and added.err then
        answer = added.err
      else
        redis.call('XACK', stream, group, id)
        letters = letters + 1
      end
    end
  end
  answers[#answers + 1] = answer
end
if letters > 0 then
  trim_letters()
end
-- Asked first, so that a user without rights on the channel does not fill the log of refusals.
if hint and redis.acl_check_cmd('PUBLISH', ARGV[6], group) then
  redis.pcall('PUBLISH', ARGV[6], group)
end
return answers
