-- Bodies for deliveries about to start.
-- KEYS: stream, with a token the group's record.
-- ARGV: group, consumer, token, then for each item: id, 1 to count the attempt or 0.
-- Answers for each item {attempts, fields}, or 1 (another's, or settled) or 2 (removed from the stream).
local stream, group, consumer, token = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local owner = token ~= '' and redis.call('HGET', KEYS[2], 'owner:' .. consumer)
if owner and owner ~= token then
  return redis.error_reply('NAMETAKEN ' .. consumer .. ' of the group ' .. group .. ' of ' .. stream)
end

-- include deliveries.lua
local ids = {}
for i = 4, #ARGV, 2 do
  ids[#ids + 1] = ARGV[i]
end
local deliveries = deliveries_of(ids)

local answers = {}

-- Items in a row that get the same count are claimed together.
local claimed, stands_there, first, count = {}, {}, 1, 0

local function claim()
  if #claimed == 0 then
    return
  end
  local arguments = {'XCLAIM', stream, group, consumer, 0}
  for _, id in ipairs(claimed) do
    arguments[#arguments + 1] = id
  end
  arguments[#arguments + 1] = 'RETRYCOUNT'
  arguments[#arguments + 1] = count
  local fields = {}
  for _, entry in ipairs(redis.call(unpack(arguments))) do
    -- Before Redis 7 there is a nil for one that was removed from the stream.
    if entry then
      fields[entry[1]] = entry[2]
    end
  end
  for i, id in ipairs(claimed) do
    if fields[id] then
      answers[first + i - 1] = {count, fields[id]}
    else
      -- Redis 7 has taken it from the list already; nothing may raise now that others were counted.
      redis.pcall('XACK', stream, group, id)
      answers[first + i - 1] = 2
    end
  end
  claimed, stands_there = {}, {}
end

for i, id in ipairs(ids) do
  -- One that is named twice is looked at again when the first of it has been claimed.
  if stands_there[id] then
    claim()
  end
  local delivered = deliveries(id)
  local counted = delivered and delivered + tonumber(ARGV[2 * i + 3])
  if counted ~= count or not delivered then
    claim()
  end
  if delivered then
    if #claimed == 0 then
      first, count = i, counted
    end
    claimed[#claimed + 1] = id
    stands_there[id] = true
  else
    answers[i] = 1
  end
end
claim()
return answers
