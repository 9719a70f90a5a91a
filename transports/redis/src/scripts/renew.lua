-- Notes that a member of a group is there. A new one has its turn after all others.
-- KEYS: turns, when members were seen. ARGV: member.
local turns, seen, member = KEYS[1], KEYS[2], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZADD', seen, now, member)
redis.call('ZREMRANGEBYSCORE', seen, '-inf', now - 6000000)
if not redis.call('ZSCORE', turns, member) then
  local last = redis.call('ZRANGE', turns, -1, -1, 'WITHSCORES')
  redis.call('ZADD', turns, last[2] or 0, member)
end
redis.call('EXPIRE', turns, 60)
redis.call('EXPIRE', seen, 60)
return 0
