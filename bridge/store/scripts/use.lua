-- A use of an offer: looked at, or taken.
-- KEYS: 1 set of the orders that have the offer; then one such set for each customer.
-- ARGV: order key, uses or -1, uses per customer or -1, 1 = take it, when the sets end (Unix s) or -1,
-- how long a customer's set lives in seconds after its last use where that is -1.
-- Reply: 0 = there is room, or the order has it already; 1 = uses, 2 = uses per customer reached.
local order, uses, each = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local counted = {}
if uses >= 0 then
  if redis.call('SISMEMBER', KEYS[1], order) == 0 and redis.call('SCARD', KEYS[1]) >= uses then
    return 1
  end
  table.insert(counted, KEYS[1])
end
if each >= 0 then
  for i = 2, #KEYS do
    if redis.call('SISMEMBER', KEYS[i], order) == 0 and redis.call('SCARD', KEYS[i]) >= each then
      return 2
    end
    table.insert(counted, KEYS[i])
  end
end
if ARGV[4] == '1' then
  for _, set in ipairs(counted) do
    redis.call('SADD', set, order)
    if tonumber(ARGV[5]) >= 0 then
      redis.call('EXPIREAT', set, ARGV[5])
    elseif set ~= KEYS[1] then
      redis.call('EXPIRE', set, ARGV[6])
    end
  end
end
return 0
