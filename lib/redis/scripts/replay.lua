-- Makes entries of dead letters once more.
-- KEYS: the dead-letter stream, the stream.  ARGV: for each letter: its id, 1 when it is for all groups or 0.
-- Answers for each letter {the id of its entry}, 0 (there is no such letter), or the text of an error that kept it; for
-- the first ones alone, at least one, where letters are large.
--
-- A letter goes when its entry is stored, in one run of this script, so it becomes one entry whoever replays it; nothing
-- raises between the two. The XDEL behind a refused XADD would succeed and lose the event.
local dead_stream, stream = KEYS[1], KEYS[2]

-- Bytes that are copied in a call, for which the server does nothing else.
local most_bytes, bytes = 4 * 1024 * 1024, 0

-- Arguments of a Lua call are limited to about 8000.
local most_fields = 7000

local function must_be_allowed(command, ...)
  if not redis.acl_check_cmd(command, ...) then
    error({err = 'NOPERM this user has no permissions to run the \'' .. string.lower(command) .. '\' command'})
  end
end

must_be_allowed('XRANGE', dead_stream, '-', '+')
must_be_allowed('XDEL', dead_stream, '0-0')
must_be_allowed('XADD', stream, '*', '', '')
must_be_allowed('XLEN', stream)
-- Both raise where there is something else than a stream.
redis.call('XLEN', stream)
redis.call('XLEN', dead_stream)

-- What the entry was, and where it came from first; how it died is out of date. And the group in which it died, and
-- how much of it is not about its death.
local function replayed_fields(letter, is_for_all)
  local fields, group, own = {}, nil, 0
  for i = 1, #letter, 2 do
    local name, value = letter[i], letter[i + 1]
    bytes = bytes + #name + #value
    if name == 'dead-group' then
      group = group or value
    elseif name == 'dead-stream' or name == 'dead-id'
      or string.sub(name, 1, 5) ~= 'dead-' and name ~= 'for-group' then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
      own = own + (string.sub(name, 1, 5) ~= 'dead-' and 1 or 0)
    end
  end
  if is_for_all then
    group = nil
  elseif group then
    fields[#fields + 1] = 'for-group'
    fields[#fields + 1] = group
  end
  return fields, group, own
end

local found = {}

-- Nil, or why nobody would handle what is for that group.
local function why_not_for(group)
  if found[group] == nil then
    -- Nothing may raise here: letters before this one are replayed already.
    if redis.acl_check_cmd('XPENDING', stream, group, '-', '+', '1') then
      found[group] = redis.pcall('XPENDING', stream, group, '-', '+', 1).err or false
    else
      found[group] = 'NOPERM this user has no permissions to run the \'xpending\' command'
    end
  end
  return found[group] or nil
end

local function replay(id, is_for_all)
  local letter = redis.call('XRANGE', dead_stream, id, id)[1]
  if not letter then
    return 0
  end
  if #letter[2] > most_fields then
    return 'ERR the letter has too many fields to be copied: ' .. #letter[2] / 2
  end
  local fields, group, own = replayed_fields(letter[2], is_for_all)
  local refused = group and why_not_for(group)
  if refused then
    return refused
  end
  if own == 0 then
    return 'ERR the letter has no fields but those of its death'
  end
  local added = redis.pcall('XADD', stream, '*', unpack(fields))
  if type(added) == 'table' then
    return added.err
  end
  redis.call('XDEL', dead_stream, id)
  return {added}
end

local answers = {}
for i = 1, #ARGV, 2 do
  answers[#answers + 1] = replay(ARGV[i], ARGV[i + 1] == '1')
  if bytes > most_bytes then
    break
  end
end
return answers
