-- Gives a lock back.
-- KEYS: lock.  ARGV: token, the channel of hints.
-- Answers 1, or 0 when the lock is another's or nobody's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
-- Asked first, so that a user without rights on the channel does not fill the log of refusals.
if redis.acl_check_cmd('PUBLISH', ARGV[2], '') then
  redis.pcall('PUBLISH', ARGV[2], '')
end
return 1
