-- Renews the leases of what the consumer still has; counts nothing.
-- KEYS: stream, with a token the group's record.  ARGV: group, consumer, token, ids (at most 500).
-- Answers for each id 0 (renewed), 1 (another's, or settled) or 2 (removed from the stream).
local stream, group, consumer, token = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local owner = token ~= '' and redis.call('HGET', KEYS[2], 'owner:' .. consumer)
if owner and owner ~= token then
  return redis.error_reply('NAMETAKEN ' .. consumer .. ' of the group ' .. group .. ' of ' .. stream)
end

if #ARGV == 3 then
  -- Without anything to renew: says that the name is in use, which reading an empty stream does not. Nothing comes
  -- behind the greatest id, so nothing is counted; the id itself would mean new entries.
  redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', stream,
    '18446744073709551615-18446744073709551614')
end
local answers = {}
for i = 4, #ARGV do
  local id = ARGV[i]
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  if not pending or pending[2] ~= consumer then
    answers[i - 3] = 1
  elseif redis.call('XCLAIM', stream, group, consumer, 0, id, 'JUSTID')[1] then
    answers[i - 3] = 0
  else
    redis.call('XACK', stream, group, id)
    answers[i - 3] = 2
  end
end
return answers
