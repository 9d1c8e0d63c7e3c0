-- Takes over what others have held past the lease; counts nothing.
-- KEYS: stream, with a token the group's record.  ARGV: group, consumer, token, lease in ms, cursor, count.
-- Answers {next cursor, {id, attempts, id, attempts, ...}, {ids of removed entries}}.
local stream, group, consumer, token = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local owner = token ~= '' and redis.call('HGET', KEYS[2], 'owner:' .. consumer)
if owner and owner ~= token then
  return redis.error_reply('NAMETAKEN ' .. consumer .. ' of the group ' .. group .. ' of ' .. stream)
end

local claimed = redis.call('XAUTOCLAIM', stream, group, consumer, ARGV[4], ARGV[5], 'COUNT', ARGV[6], 'JUSTID')
local entries = {}
for _, id in ipairs(claimed[2]) do
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  entries[#entries + 1] = id
  entries[#entries + 1] = pending[4]
end
return {claimed[1], entries, claimed[3] or {}}
