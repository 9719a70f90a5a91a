-- Publishes a packet to the plain subscriptions of a subject, and to the member of its group whose
-- turn it is. Returns how many have got it.
-- KEYS: turns. ARGV: key of when members were seen, channel of plain subscriptions or nothing, what
-- the channel of a member begins with, packet.
local turns, seen, plain, channel, packet = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local count = 0
local time = redis.call('TIME')
local alive = time[1] * 1000000 + time[2] - 6000000
local tries = 0
local first = redis.call('ZRANGE', turns, 0, 0)
if plain ~= '' then
  count = redis.call('SPUBLISH', plain, packet)
end
while first[1] and tries < 1024 do
  local member = first[1]
  local at = redis.call('ZSCORE', seen, member)
  if at and tonumber(at) > alive and redis.call('SPUBLISH', channel .. member, packet) > 0 then
    redis.call('ZINCRBY', turns, 1, member)
    return count + 1
  end
  redis.call('ZREM', turns, member)
  tries = tries + 1
  first = redis.call('ZRANGE', turns, 0, 0)
end
return count
