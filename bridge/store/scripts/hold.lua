-- Keep a connector for an order, unless its EVSE is kept for another one at that time.
-- KEYS: 1 the slots of its Location (hash: order -> "start end until firm connector", times in ms).
-- ARGV: order, connector (its EVSE, \31, its id), start, end, until, now, how long the hash lives in seconds.
-- Reply: 1 it is kept, 0 it is not. An order's own slot is no obstacle, and is replaced.
-- What is kept no longer goes whatever the reply.
local first, last, now = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6])
local evse = string.match(ARGV[2], '^(.*)\31')
local free = 1
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do
  local from, to, kept, at = string.match(flat[i + 1], '^(%d+) (%d+) (%d+) %d (.*)\31')
  if tonumber(kept) <= now then
    redis.call('HDEL', KEYS[1], flat[i])
  elseif flat[i] ~= ARGV[1] and at == evse
      and tonumber(from) < last and first < tonumber(to) then
    free = 0
  end
end
if free == 1 then
  local slot = table.concat({ARGV[3], ARGV[4], ARGV[5], '0', ARGV[2]}, ' ')
  redis.call('HSET', KEYS[1], ARGV[1], slot)
  redis.call('EXPIRE', KEYS[1], ARGV[7])
end
return free
