-- Takes a lock, or keeps the own one for longer.
-- KEYS: lock, its fencing counter.  ARGV: token, ms.
-- Answers the fencing number, or nothing when another has the lock.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return false
end
-- The counter survives the lock. It is missing beside a lock only where somebody deleted it.
local fence = holder and redis.call('GET', KEYS[2])
-- Also the write that the server does not refuse at full memory, and behind one it refuses none.
redis.call('DEL', KEYS[1])
fence = fence or redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return tonumber(fence)
