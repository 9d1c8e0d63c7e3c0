-- Whether the user may subscribe to channels. Asked, not tried: a refusal ends the connection.
-- ARGV: channels.  Answers 1 or 0 for each.
local answers = {}
for i, channel in ipairs(ARGV) do
  answers[i] = redis.acl_check_cmd('SUBSCRIBE', channel) and 1 or 0
end
return answers
