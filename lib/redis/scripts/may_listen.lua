-- Whether the user may subscribe to channels. Asked, not tried: a refusal is a reply where there should be none.
-- ARGV: channels.  Answers 1 or 0 for each.
local answers = {}
for i, channel in ipairs(ARGV) do
  answers[i] = redis.acl_check_cmd('SUBSCRIBE', channel) and redis.acl_check_cmd('PING') and 1 or 0
end
return answers
