-- Makes dead letters of delayed entries that cannot be understood.
-- KEYS: the set of the stream's delayed entries, their contents, the dead-letter stream.
-- ARGV: the stream's name, members.
-- Answers {how many, why it stopped ('': it did not)}.
local delayed, contents, dead_stream = KEYS[1], KEYS[2], KEYS[3]

if not redis.acl_check_cmd('ZREM', delayed, '') or not redis.acl_check_cmd('HDEL', contents, '') then
  return redis.error_reply('NOPERM this user has no permissions to run the \'zrem\' or the \'hdel\' command')
end
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))

local count = 0
for i = 2, #ARGV do
  local member = ARGV[i]
  -- Another one may have been faster.
  if redis.call('ZSCORE', delayed, member) then
    local content = redis.call('HGET', contents, member)
    local ms, number = string.match(member, '^0*(%d+)-0*(%d+)$')
    local fields = {
      'dead-stream', ARGV[1], 'dead-id', ms and ms .. '-' .. number or member, 'dead-reason', 'undecodable',
      'dead-error', content and 'the content of the delayed entry cannot be understood'
        or 'the content of the delayed entry is missing', 'dead-at', now,
    }
    if content then
      table.insert(fields, 1, content)
      table.insert(fields, 1, 'body')
    end
    local added = redis.pcall('XADD', dead_stream, '*', unpack(fields))
    if type(added) == 'table' then
      return {count, added.err}
    end
    redis.call('ZREM', delayed, member)
    redis.call('HDEL', contents, member)
    count = count + 1
  end
end
return {count, ''}
