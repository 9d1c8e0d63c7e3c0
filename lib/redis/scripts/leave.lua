-- Gives a name back, and removes it when nothing is pending for it.
-- KEYS: stream, the group's record.  ARGV: group, consumer, token.
local stream, record, group, consumer = KEYS[1], KEYS[2], ARGV[1], ARGV[2]

-- Raises where there is no such group.
local pending = redis.call('XPENDING', stream, group, '-', '+', 1, consumer)[1]
local owner = redis.call('HGET', record, 'owner:' .. consumer)
if owner and owner ~= ARGV[3] then
  return redis.error_reply('NAMETAKEN ' .. consumer .. ' of the group ' .. group .. ' of ' .. stream)
end
redis.call('HDEL', record, 'owner:' .. consumer)
if not pending then
  redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer)
end
return 0
