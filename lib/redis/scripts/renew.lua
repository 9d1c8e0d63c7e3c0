-- Renews the leases of what the consumer still has; counts nothing.
-- KEYS: stream.  ARGV: group, consumer, ids (at most 500).
-- Answers for each id 0 (renewed), 1 (another's, or settled) or 2 (removed from the stream).
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local answers = {}
for i = 3, #ARGV do
  local id = ARGV[i]
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  if not pending or pending[2] ~= consumer then
    answers[i - 2] = 1
  elseif redis.call('XCLAIM', stream, group, consumer, 0, id, 'JUSTID')[1] then
    answers[i - 2] = 0
  else
    redis.call('XACK', stream, group, id)
    answers[i - 2] = 2
  end
end
return answers
