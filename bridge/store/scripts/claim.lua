-- Take lanes that are due and that nobody holds.
-- KEYS: 1 queue (sorted set: lane -> due, ms), 2 woken (set of lanes), 3 since (sorted set: lane ->
-- since when its head waits, ms). ARGV: now ms, lease ms, how many, token prefix, key prefix of the lanes' lists, key prefix of the lanes' holders.
-- Reply: for each lane taken: name, holder token, head entry.
local now = tonumber(ARGV[1])
local taken = {}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[3]))
for i, lane in ipairs(due) do
  redis.call('SREM', KEYS[2], lane)
  local head = redis.call('LINDEX', ARGV[5] .. lane, 0)
  if head then
    local token = ARGV[4] .. ':' .. i
    redis.call('SET', ARGV[6] .. lane, token)
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), lane)
    table.insert(taken, {lane, token, head})
  else
    redis.call('ZREM', KEYS[1], lane)
    redis.call('ZREM', KEYS[3], lane)
    redis.call('DEL', ARGV[6] .. lane)
  end
end
return taken
