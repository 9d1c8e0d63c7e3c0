-- Delayed entries of a stream, in the order in which they are due.
-- KEYS: the set of them, their contents.  ARGV: where to begin, as ZRANGEBYLEX takes it; at most so many.
-- Answers {member, {name, value, ...}, member, ...}; a content that cannot be understood has no names.
local members = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
local answers = {}
for _, member in ipairs(members) do
  local content = redis.call('HGET', KEYS[2], member)
  local packed, words = pcall(cmsgpack.unpack, content or '')
  local fields = {}
  if packed and type(words) == 'table' and #words % 2 == 0 then
    for i = 3, #words do
      fields[i - 2] = tostring(words[i])
    end
  end
  -- Ids alone: what is none was not scheduled by us.
  if string.match(member, '^%d%d%d%d%d%d%d%d%d%d%d%d%d%-%d+$') then
    answers[#answers + 1] = member
    answers[#answers + 1] = fields
  end
end
return answers
