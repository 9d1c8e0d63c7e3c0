-- Bodies for deliveries about to start.
-- KEYS: stream, with a token the group's record.
-- ARGV: group, consumer, token, then for each item: id, 1 to count the attempt or 0.
-- Answers for each item {attempts, fields}, or 1 (another's, or settled) or 2 (removed from the stream).
local stream, group, consumer, token = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local owner = token ~= '' and redis.call('HGET', KEYS[2], 'owner:' .. consumer)
if owner and owner ~= token then
  return redis.error_reply('NAMETAKEN ' .. consumer .. ' of the group ' .. group .. ' of ' .. stream)
end

local answers = {}
for i = 4, #ARGV, 2 do
  local id = ARGV[i]
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  if not pending or pending[2] ~= consumer then
    answers[#answers + 1] = 1
  else
    local attempts = pending[4] + tonumber(ARGV[i + 1])
    local entry = redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', attempts)[1]
    if entry then
      answers[#answers + 1] = {attempts, entry[2]}
    else
      redis.call('XACK', stream, group, id)
      answers[#answers + 1] = 2
    end
  end
end
return answers
