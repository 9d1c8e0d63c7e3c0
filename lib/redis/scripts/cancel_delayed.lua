-- Removes a delayed entry.
-- KEYS: the set of the stream's delayed entries, their contents.  ARGV: member.
-- Answers 1, or 0 when there is none.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return 0
end
-- Asked first, so that it is removed whole or not at all.
if not redis.acl_check_cmd('ZREM', KEYS[1], '') then
  return redis.error_reply('NOPERM this user has no permissions to run the \'zrem\' command')
end
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])
