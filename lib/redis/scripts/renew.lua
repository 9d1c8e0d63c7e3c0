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

-- include deliveries.lua
local ids = {}
for i = 4, #ARGV do
  ids[i - 3] = ARGV[i]
end
local deliveries = deliveries_of(ids)

local held = {'XCLAIM', stream, group, consumer, 0}
local answers = {}
for i, id in ipairs(ids) do
  if deliveries(id) then
    held[#held + 1] = id
    answers[i] = 2
  else
    answers[i] = 1
  end
end
if #held > 5 then
  held[#held + 1] = 'JUSTID'
  local renewed = {}
  for _, id in ipairs(redis.call(unpack(held))) do
    renewed[id] = true
  end
  for i, id in ipairs(ids) do
    if renewed[id] then
      answers[i] = answers[i] == 2 and 0 or answers[i]
    elseif answers[i] == 2 then
      redis.pcall('XACK', stream, group, id)
    end
  end
end
return answers
