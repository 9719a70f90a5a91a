-- Publishes a packet to the plain subscriptions of a subject, and to the member of its group whose
-- turn it is. Returns how many have got it.
-- KEYS: turns. ARGV: command that publishes, key of when members were seen, channel of plain
-- subscriptions or nothing, what the channel of a member begins with, packet.
local turns, publish, packet = KEYS[1], ARGV[1], ARGV[5]
local count = 0
local time = redis.call('TIME')
local alive = time[1] * 1000000 + time[2] - 6000000
local tries = 0
local first = redis.call('ZRANGE', turns, 0, 0)
if ARGV[3] ~= '' then
  count = redis.call(publish, ARGV[3], packet)
end
while first[1] and tries < 1024 do
  local member = first[1]
  local seen = redis.call('ZSCORE', ARGV[2], member)
  if seen and tonumber(seen) > alive and redis.call(publish, ARGV[4] .. member, packet) > 0 then
    redis.call('ZINCRBY', turns, 1, member)
    return count + 1
  end
  redis.call('ZREM', turns, member)
  tries = tries + 1
  first = redis.call('ZRANGE', turns, 0, 0)
end
return count
