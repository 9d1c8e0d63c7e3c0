-- Ends deliveries that the consumer still has.
-- KEYS: stream, dead-letter stream.
-- ARGV: group, consumer, then for each item: kind ('ack', 'release' or 'dead'), id, attempts, idle in ms, reason, error.
-- Answers for each item 0 (settled), 1 (another's, or settled before), 2 (removed from the stream), or the text of an
-- error that kept the item pending.
--
-- Nothing here raises after a write: a missing group, a wrong type or a user who may not acknowledge raise before
-- anything is written, and what can fail later (XADD at a full memory, XCLAIM for want of permission) is called
-- protected. The XACK behind a refused XADD would succeed and lose the event.
local stream, dead_stream, group, consumer = KEYS[1], KEYS[2], ARGV[1], ARGV[2]

-- Arguments of a Lua call are limited to about 8000.
local most_fields = 7000

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
  local time = redis.call('TIME')
  local now = time[1] .. string.format('%03d', math.floor(tonumber(time[2]) / 1000))
  for _, value in ipairs({
    'dead-stream', origin['dead-stream'] or stream, 'dead-id', origin['dead-id'] or id,
    'dead-group', group, 'dead-consumer', consumer, 'dead-reason', reason, 'dead-error', err,
    'dead-attempts', attempts, 'dead-at', now,
  }) do
    fields[#fields + 1] = value
  end
  return fields
end

-- Asked, not tried: after any write the server no longer refuses an XADD at full memory.
if not redis.acl_check_cmd('XACK', stream, group, '0-0') then
  return redis.error_reply('NOPERM this user has no permissions to run the \'xack\' command')
end

local answers = {}
for i = 3, #ARGV, 6 do
  local kind, id, attempts, idle = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local answer = 0
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  if not pending or pending[2] ~= consumer then
    answer = 1
  elseif kind == 'ack' then
    redis.call('XACK', stream, group, id)
  elseif kind == 'release' then
    local kept = redis.pcall('XCLAIM', stream, group, consumer, 0, id, 'IDLE', idle, 'RETRYCOUNT', attempts, 'JUSTID')
    if kept.err then
      answer = kept.err
    elseif not kept[1] then
      redis.call('XACK', stream, group, id)
      answer = 2
    end
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
      end
    end
  end
  answers[#answers + 1] = answer
end
return answers
