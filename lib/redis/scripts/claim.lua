-- Takes over what others have held past the lease; counts nothing.
-- KEYS: stream.  ARGV: group, consumer, lease in ms, cursor, count.
-- Answers {next cursor, {id, attempts, id, attempts, ...}, {ids of removed entries}}.
local stream, group = KEYS[1], ARGV[1]
local claimed = redis.call('XAUTOCLAIM', stream, group, ARGV[2], ARGV[3], ARGV[4], 'COUNT', ARGV[5], 'JUSTID')
local entries = {}
for _, id in ipairs(claimed[2]) do
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  entries[#entries + 1] = id
  entries[#entries + 1] = pending[4]
end
return {claimed[1], entries, claimed[3] or {}}
