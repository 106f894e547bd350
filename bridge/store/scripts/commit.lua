-- A fenced transaction. ARGV: number of guards; for each guard: its length, its command, how many
-- values that returns, and for each of them a flag (1 = a value is expected, 0 = absence) and the
-- value; then commands, each after its length.
-- Three words are ours, two of them for lanes:
-- KEEP key seconds -- have a key live for so long at least.
-- WAKE queue lane holder woken due -- make a lane due; one that is held is noted in the set woken.
-- LEAVE queue lane holder woken entries since due now -- let a lane go: without entries it is off
-- the queue, with some it is due again; now, if it was to be woken meanwhile. Since when its head
-- waits is in that entry's stamp.
local at = 1
local function take()
  local value = ARGV[at]
  at = at + 1
  return value
end
local function command()
  local words = {}
  for i = 1, tonumber(take()) do words[i] = take() end
  return words
end
local ours = {}
function ours.KEEP(key, seconds)
  if redis.call('TTL', key) < tonumber(seconds) then redis.call('EXPIRE', key, seconds) end
end
function ours.WAKE(queue, lane, holder, woken, due)
  if redis.call('EXISTS', holder) == 1 then
    redis.call('SADD', woken, lane)
  else
    redis.call('ZADD', queue, 'LT', due, lane)
  end
end
function ours.LEAVE(queue, lane, holder, woken, entries, since, due, now)
  redis.call('DEL', holder)
  if redis.call('SREM', woken, lane) == 1 then due = now end
  local head = redis.call('LINDEX', entries, 0)
  if head then
    redis.call('ZADD', queue, due, lane)
    redis.call('ZADD', since, string.match(head, '^@(%d+)') or now, lane)
  else
    redis.call('ZREM', queue, lane)
    redis.call('ZREM', since, lane)
  end
end
for _ = 1, tonumber(take()) do
  local reply = redis.call(unpack(command()))
  if type(reply) ~= 'table' then reply = {reply} end
  for i = 1, tonumber(take()) do
    local present, expected = take() == '1', take()
    if reply[i] ~= (present and expected) then return 0 end
  end
end
while at <= #ARGV do
  local words = command()
  local own = ours[words[1]]
  if own then own(unpack(words, 2)) else redis.call(unpack(words)) end
end
return 1
