-- Removes entries that all groups of the stream have read and acknowledged.
-- KEYS: stream.  ARGV: at most about so many, names of groups that must be there.
-- Answers {how many, 1 when there are more or 0}.
--
-- A group needs what is pending in it, and everything from the first entry that it has not read. These two come in any
-- order: XGROUP SETID may have moved the group behind its pending entries.
local stream, most = KEYS[1], tonumber(ARGV[1])

-- Pending ids of a group that are looked at in a call.
local most_looks = 500

-- So many entries are looked up, with their bodies, to find where a short step ends; fewer where these are large, in
-- bytes. Longer steps end with a node, which by default holds at most 100.
local few, most_bytes, page_of_few = 200, 4 * 1024 * 1024, 10

-- Behind everything.
local greatest = '18446744073709551615-18446744073709551615'

-- Ids as texts that compare as the ids do; as numbers they would lose their ends.
local function comparable(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return string.rep('0', 20 - #ms) .. ms .. string.rep('0', 20 - #seq) .. seq
end

local function must_be_allowed(command, ...)
  if not redis.acl_check_cmd(command, ...) then
    error({err = 'NOPERM this user has no permissions to run the \'' .. string.lower(command) .. '\' command'})
  end
end

must_be_allowed('XRANGE', stream, '-', '+')
must_be_allowed('XTRIM', stream, 'MINID', '0')

local groups = redis.pcall('XINFO', 'GROUPS', stream)
if groups.err then
  if string.sub(groups.err, 1, 15) ~= 'ERR no such key' then
    return redis.error_reply(groups.err)
  end
  groups = {}
end
local missing = {}
for i = 2, #ARGV do
  missing[ARGV[i]] = true
end
for i, info in ipairs(groups) do
  local of = {}
  for k = 1, #info, 2 do
    of[info[k]] = info[k + 1]
  end
  groups[i] = of
  missing[of.name] = nil
  must_be_allowed('XPENDING', stream, of.name, '-', '+', '1')
  must_be_allowed('XACK', stream, of.name, '0-0')
end
for i = 2, #ARGV do
  if missing[ARGV[i]] then
    return redis.error_reply('NOGROUP No such consumer group \'' .. ARGV[i] .. '\'')
  end
end

if not groups[1] then
  return {0, 0}
end
local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]

local threshold, more = greatest, 0

local function keep_from(id)
  if comparable(id) < comparable(threshold) then
    threshold = id
  end
end

local function exists(id)
  return first and comparable(id) >= comparable(first[1]) and redis.call('XRANGE', stream, id, id)[1]
end

for _, group in ipairs(groups) do
  local last = group['last-delivered-id']
  local unread = last ~= greatest and redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', 1)[1]
  if unread then
    keep_from(unread[1])
  end
  -- An entry that was removed while it was pending would hold everything behind it back for ever.
  local gone, needed = {}, nil
  local pending = redis.call('XPENDING', stream, group.name, '-', '+', 1)
  if pending[1] and not exists(pending[1][1]) then
    pending = redis.call('XPENDING', stream, group.name, '-', '+', most_looks)
  end
  for _, row in ipairs(pending) do
    if exists(row[1]) then
      needed = row[1]
      break
    end
    gone[#gone + 1] = row[1]
  end
  if gone[1] then
    redis.call('XACK', stream, group.name, unpack(gone))
  end
  if not needed and #pending == most_looks then
    -- Nobody has looked at what comes behind.
    needed, more = gone[#gone], 1
  end
  if needed then
    keep_from(needed)
  end
end

-- The first entry behind a short step; nothing where the threshold comes first.
local function end_of_short_step()
  local looked, bytes, from = 0, 0, '-'
  while true do
    local wanted = math.min(page_of_few, most + 1 - looked)
    local page = redis.call('XRANGE', stream, from, '(' .. threshold, 'COUNT', wanted)
    if #page < wanted then
      return nil
    end
    looked = looked + #page
    for _, entry in ipairs(page) do
      for _, text in ipairs(entry[2]) do
        bytes = bytes + #text
      end
    end
    local last = page[#page][1]
    if looked > most or bytes > most_bytes then
      return last
    end
    from = '(' .. last
  end
end

local removed
if most <= few then
  local next_step = end_of_short_step()
  removed = redis.call('XTRIM', stream, 'MINID', '=', next_step or threshold)
  more = next_step and 1 or more
else
  -- Exact trimming knows no limit, and approximate trimming removes whole nodes only: first those.
  removed = redis.call('XTRIM', stream, 'MINID', '~', threshold, 'LIMIT', most)
  if removed < most / 2 then
    removed = removed + redis.call('XTRIM', stream, 'MINID', '=', threshold)
  else
    more = 1
  end
end
return {removed, more}
