-- For scripts with the locals stream, group and consumer: a function that tells how often the entry of an id was
-- delivered, if it is pending for the consumer. Ids that were read together stand together, in ascending order: one
-- look at the range between the first and the last finds them all. What it does not find is looked at alone.
local function deliveries_of(ids)
  local counts = {}
  if #ids > 1 then
    for _, record in ipairs(redis.call('XPENDING', stream, group, ids[1], ids[#ids], 2 * #ids, consumer)) do
      counts[record[1]] = record[4]
    end
  end
  return function(id)
    local count = counts[id]
    -- Told once: the caller is about to change it.
    counts[id] = nil
    if not count then
      local record = redis.call('XPENDING', stream, group, id, id, 1)[1]
      count = record and record[2] == consumer and record[4]
    end
    return count
  end
end

