-- Gives a lock back.
-- KEYS: lock.  ARGV: token.
-- Answers 1, or 0 when the lock is another's or nobody's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
