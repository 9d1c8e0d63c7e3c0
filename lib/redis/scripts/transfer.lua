-- Moves what is pending for one name to another one; counts nothing.
-- KEYS: stream, the group's record.
-- ARGV: group, from, to, 1 for everything or 0 for what has outlived the group's lease, cursor, how many are looked at,
-- the channel of hints.
-- Answers {how many were moved, the last id that was looked at ('': there are no more)}.
local stream, record, group, from, to = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
local is_forced, most = ARGV[4] == '1', tonumber(ARGV[6])

-- Where no lease is known: older than one may be.
local very_old = 24 * 60 * 60 * 1000

-- Raises where there is no such group.
local pending = redis.call('XPENDING', stream, group, ARGV[5], '+', most, from)
local lease = tonumber(redis.call('HGET', record, 'lease') or '')
if not redis.acl_check_cmd('XCLAIM', stream, group, to, '0', '0-0')
  or not redis.acl_check_cmd('XACK', stream, group, '0-0') then
  return redis.error_reply('NOPERM this user has no permissions to run the \'xclaim\' or the \'xack\' command')
end

local moved = 0
for _, row in ipairs(pending) do
  local id, idle = row[1], row[3]
  if is_forced or lease and idle >= lease then
    local aged = string.format('%.0f', math.max(idle, lease or very_old))
    if redis.call('XCLAIM', stream, group, to, 0, id, 'IDLE', aged, 'JUSTID')[1] then
      moved = moved + 1
    else
      redis.call('XACK', stream, group, id)
    end
  end
end
-- Asked first, so that a user without rights on the channel does not fill the log of refusals.
if moved > 0 and redis.acl_check_cmd('PUBLISH', ARGV[7], group) then
  redis.pcall('PUBLISH', ARGV[7], group)
end
return {moved, #pending == most and pending[most][1] or ''}
