-- Moves delayed entries that are due into their stream.
-- KEYS: stream, the set of its delayed entries, their contents.  ARGV: at most so many.
-- Answers {how many were moved, ms until the next one is due (nothing: there is none), why it stopped ('': it did
-- not), members that are due and whose content cannot be understood}.
--
-- The set is ordered by its members, `<due in ms, 13 digits>-<number, 16 digits>`; all scores are 0. An entry is added
-- and removed in one run of this script, so each is moved once; nothing raises between the two.
local stream, delayed, contents, most = KEYS[1], KEYS[2], KEYS[3], tonumber(ARGV[1])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = '(' .. string.format('%013.0f', now + 1)

-- {how many the stream keeps, how old they may be, name, value, ...}, all texts; or nothing.
local function understand(content)
  if not content then
    return nil
  end
  local packed, words, more = pcall(cmsgpack.unpack, content)
  if not packed or more ~= nil or type(words) ~= 'table' or #words < 4 or #words > 7000 or #words % 2 ~= 0 then
    return nil
  end
  for i = 1, #words do
    if type(words[i]) ~= 'string' then
      return nil
    end
  end
  for i = 1, 2 do
    if #words[i] > 18 or not string.match(words[i], '^%d+$') then
      return nil
    end
  end
  return words
end

local moved, damaged, refused, oldest = {}, {}, '', nil

local function move(member, words)
  if words[2] ~= '0' then
    if not redis.acl_check_cmd('XTRIM', stream, 'MINID', '0') then
      return 'NOPERM this user has no permissions to run the \'xtrim\' command'
    end
    oldest = math.min(oldest or math.huge, tonumber(words[2]))
  end
  local added
  if words[1] ~= '0' then
    added = redis.pcall('XADD', stream, 'MAXLEN', '=', words[1], '*', unpack(words, 3))
  else
    added = redis.pcall('XADD', stream, '*', unpack(words, 3))
  end
  if type(added) == 'table' then
    return added.err
  end
  moved[#moved + 1] = member
  return ''
end

-- What is damaged stays until it was set aside, and must not keep the others waiting: so the looks go on behind it.
local most_looks = 20

for _ = 1, most_looks do
  local members = redis.call('ZRANGEBYLEX', delayed, '-', due, 'LIMIT', #moved + #damaged, most - #moved)
  if #members == 0 then
    break
  end
  if not redis.acl_check_cmd('ZREM', delayed, '') or not redis.acl_check_cmd('HDEL', contents, '') then
    return redis.error_reply('NOPERM this user has no permissions to run the \'zrem\' or the \'hdel\' command')
  end
  for i, content in ipairs(redis.call('HMGET', contents, unpack(members))) do
    local words = understand(content)
    if words then
      refused = move(members[i], words)
    else
      damaged[#damaged + 1] = members[i]
    end
    if refused ~= '' then
      break
    end
  end
  if refused ~= '' or #moved == most then
    break
  end
end

if #moved > 0 then
  redis.call('ZREM', delayed, unpack(moved))
  redis.call('HDEL', contents, unpack(moved))
  if oldest then
    redis.pcall('XTRIM', stream, 'MINID', '=', string.format('%.0f', math.max(now - oldest, 0)))
  end
end

local first = redis.call('ZRANGEBYLEX', delayed, '-', '+', 'LIMIT', #damaged, 1)[1]
local next_due = first and tonumber(string.sub(first, 1, 13))
return {#moved, next_due and math.max(next_due - now, 0) or false, refused, damaged}
