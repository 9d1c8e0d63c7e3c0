-- Removes names for which nothing is pending and that have not been used for long.
-- KEYS: stream, the group's record.  ARGV: group, how long in ms, at most so many.
-- Answers how many.
local stream, record, group, idle, most = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

-- Raises in the same words as everywhere where there is no such group.
redis.call('XPENDING', stream, group)
local removed, members = 0, {}
for _, member in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local of = {}
  for i = 1, #member, 2 do
    of[member[i]] = member[i + 1]
  end
  members['owner:' .. of.name] = true
  if removed < most and of.pending == 0 and of.idle >= idle then
    redis.call('XGROUP', 'DELCONSUMER', stream, group, of.name)
    redis.call('HDEL', record, 'owner:' .. of.name)
    removed = removed + 1
  end
end
-- `join` makes name and token together, so a token without a name is left of one that was deleted by hand or with
-- the group.
for _, field in ipairs(redis.call('HKEYS', record)) do
  if field ~= 'lease' and not members[field] then
    redis.call('HDEL', record, field)
  end
end
return removed
