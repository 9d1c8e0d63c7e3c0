-- Stores entries that plain XADDs cannot: delayed, with an idempotency key, limited by age, or all of them or none.
-- KEYS: for each item its stream; with an idempotency key its mark; when delayed the set of the delayed ones, their
-- contents, and the last number given to one.
-- ARGV: for each item: its idempotency key's window in ms ('': no key), how many entries the stream keeps (0: all), how
-- old they may be in ms (0: any), when it is due ('': now, '=' and the time in ms, or '+' and the delay in ms), the
-- channel of hints, how many names and values it has, and these.
-- Answers the id of the one item, or {ids} of several.
--
-- All that can be refused is asked for before the first write, and the server's memory limit refuses the first write
-- or none: so nothing raises behind a write.
local items, key, word, time = {}, 0, 1, nil

local function next_key(type)
  key = key + 1
  local found = redis.call('TYPE', KEYS[key]).ok
  if found ~= 'none' and found ~= type then
    error({err = 'WRONGTYPE ' .. KEYS[key] .. ' holds a ' .. found .. ', not a ' .. type})
  end
  return KEYS[key]
end

local function next_word()
  word = word + 1
  return ARGV[word - 1]
end

local function must_be_allowed(command, ...)
  if not redis.acl_check_cmd(command, ...) then
    error({err = 'NOPERM this user has no permissions to run the \'' .. string.lower(command) .. '\' command'})
  end
end

local function read_item()
  local item = {stream = next_key('stream')}
  item.window, item.most, item.oldest, item.due = next_word(), next_word(), next_word(), next_word()
  item.channel = next_word()
  item.fields = {}
  for i = 1, tonumber(next_word()) do
    item.fields[i] = next_word()
  end
  if item.window ~= '' then
    item.mark = next_key('string')
    must_be_allowed('GET', item.mark)
    must_be_allowed('SET', item.mark, '', 'PX', item.window)
  end
  if item.due ~= '' then
    item.delayed, item.contents, item.last = next_key('zset'), next_key('hash'), next_key('string')
    must_be_allowed('INCR', item.last)
    must_be_allowed('GET', item.last)
    local last = redis.call('GET', item.last)
    if last and not string.match(last, '^%d+$') then
      error({err = 'WRONGTYPE ' .. item.last .. ' does not hold a number'})
    end
    must_be_allowed('HSETNX', item.contents, '', '')
    must_be_allowed('ZADD', item.delayed, '0', '')
    must_be_allowed('ZRANGEBYLEX', item.delayed, '-', '+')
  end
  -- Of a delayed one, too: who moves it is not asked whether it may be stored.
  must_be_allowed('XADD', item.stream, '*', '', '')
  if item.oldest ~= '0' then
    must_be_allowed('XTRIM', item.stream, 'MINID', '0')
  end
  if item.oldest ~= '0' or string.sub(item.due, 1, 1) == '+' then
    time = time or redis.call('TIME')
  end
  return item
end

local function due_time(due)
  local ms = tonumber(string.sub(due, 2))
  if string.sub(due, 1, 1) == '=' then
    return ms
  end
  -- Rounded up, so that it is not early.
  return time[1] * 1000 + math.ceil(time[2] / 1000) + ms
end

local hints = {}

local function delay(item)
  local ms = string.format('%013.0f', due_time(item.due))
  local content = cmsgpack.pack({item.most, item.oldest, unpack(item.fields)})
  local number, member
  -- A counter that was lost begins anew, and must not overwrite what is there.
  repeat
    number = redis.call('INCR', item.last)
    member = ms .. '-' .. string.format('%016.0f', number)
  until redis.call('HSETNX', item.contents, member, content) == 1
  redis.call('ZADD', item.delayed, 0, member)
  if redis.call('ZRANGEBYLEX', item.delayed, '-', '+', 'LIMIT', 0, 1)[1] == member then
    hints[item.channel] = true
  end
  return string.format('%.0f-%.0f', tonumber(ms), number)
end

local function oldest_kept(age)
  return string.format('%.0f', math.max(time[1] * 1000 + math.floor(time[2] / 1000) - age, 0))
end

local function add(item)
  local id
  if item.most ~= '0' then
    id = redis.call('XADD', item.stream, 'MAXLEN', '=', item.most, '*', unpack(item.fields))
  else
    id = redis.call('XADD', item.stream, '*', unpack(item.fields))
  end
  if item.oldest ~= '0' then
    redis.call('XTRIM', item.stream, 'MINID', '=', oldest_kept(item.oldest))
  end
  return id
end

repeat
  items[#items + 1] = read_item()
until key == #KEYS

local ids = {}
for i, item in ipairs(items) do
  -- Looked at only now: an item before it may have the same key.
  ids[i] = item.mark and redis.call('GET', item.mark)
  if not ids[i] then
    ids[i] = item.due ~= '' and delay(item) or add(item)
    if item.mark then
      redis.call('SET', item.mark, ids[i], 'PX', item.window)
    end
  end
end
-- Asked first, so that a user without rights on the channel does not fill the log of refusals.
for channel in pairs(hints) do
  if redis.acl_check_cmd('PUBLISH', channel, '') then
    redis.pcall('PUBLISH', channel, '')
  end
end
return #ids == 1 and ids[1] or ids
