-- Makes a name the process's own, and a lease the group's.
-- KEYS: stream, the group's record.  ARGV: group, consumer, token, lease in ms, 1 to take the name over or 0.
-- The record is a hash: `lease`, and `owner:<consumer>` with the token of the process that has the name.
-- Answers 0, or {the group's lease, name, name, ...} of those that keep it from being replaced.
local stream, record, group, consumer, token, lease = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- Raises where there is no such group.
redis.call('XPENDING', stream, group, '-', '+', 1, consumer)
local owner = redis.call('HGET', record, 'owner:' .. consumer)
if owner and owner ~= token and ARGV[5] == '0' then
  return redis.error_reply('NAMETAKEN ' .. consumer .. ' of the group ' .. group .. ' of ' .. stream)
end

local set = redis.call('HGET', record, 'lease')
if set and set ~= lease then
  local answer = {set}
  for _, member in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    -- Not the other way round: a name that was deleted by hand has left its token behind.
    local name = member[2]
    if name ~= consumer and redis.call('HEXISTS', record, 'owner:' .. name) == 1 then
      answer[#answer + 1] = name
    end
  end
  if #answer > 1 then
    return answer
  end
end

-- Changes nothing, but is a write that the server does not refuse at full memory, and behind one it refuses none.
redis.call('HDEL', record, '')
redis.call('XGROUP', 'CREATECONSUMER', stream, group, consumer)
if set ~= lease then
  redis.call('HSET', record, 'lease', lease)
end
if owner ~= token then
  redis.call('HSET', record, 'owner:' .. consumer, token)
end
return 0
