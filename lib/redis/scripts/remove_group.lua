-- Removes a group, and its record.
-- KEYS: stream, the group's record.  ARGV: group.
-- Answers 1, or 0 when there is no such group.
local stream, record, group = KEYS[1], KEYS[2], ARGV[1]

-- Asked first, so that both go or neither.
if not redis.acl_check_cmd('DEL', record) then
  return redis.error_reply('NOPERM this user has no permissions to run the \'del\' command')
end
local removed = redis.pcall('XGROUP', 'DESTROY', stream, group)
if type(removed) == 'table' then
  if not string.find(removed.err, 'requires the key to exist', 1, true) then
    return redis.error_reply(removed.err)
  end
  removed = 0
end
redis.call('DEL', record)
return removed
