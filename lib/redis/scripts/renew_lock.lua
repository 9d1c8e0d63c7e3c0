-- Keeps a lock for longer; PEXPIRE, because SET is refused at full memory.
-- KEYS: lock.  ARGV: token, ms.
-- Answers 1, or 0 when the lock is another's or nobody's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
