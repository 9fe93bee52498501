-- Renews a worker's sign of life, moves what is due, and renews or takes one of the two leases by which the
-- channel is looked after: the tender's and its deputy's. All beats of a channel are numbered in one row, so
-- that a worker that remembers the number of one of its own sees who has not beaten since.
-- ARGV: 1 worker, 2 beat (JSON), 3 lease (ms), 4 number of an earlier beat of this worker (0 = none).
-- Returns {0, 0, 0} when the worker is not registered; else {1, 1 = it tends the channel, 2 = it is the deputy, messages in
--   its inbox, number of this beat, {worker, number of its last beat, that beat, ...} of those without one since ARGV[4]}.
if call('HEXISTS', WORKERS, ARGV[1]) == 0 then return {0, 0, 0} end
pass_maxmemory()
call('HSET', WORKERS, ARGV[1], ARGV[2])

local function silent_since(number)
  local found, silent = call('ZRANGEBYSCORE', SEEN, '-inf', '(' .. number, 'WITHSCORES', 'LIMIT', 0, 100), {}
  for i = 1, #found, 2 do
    local beat = call('HGET', WORKERS, found[i])
    if beat then
      silent[#silent + 1] = found[i]
      silent[#silent + 1] = found[i + 1]
      silent[#silent + 1] = beat
    else
      call('ZREM', SEEN, found[i])
    end
  end
  return silent
end

-- The first by name of those who hold a lease is the tender.
local function duty_of(worker, now, lease)
  call('ZREMRANGEBYSCORE', TENDER, '-inf', now)
  if not call('ZSCORE', TENDER, worker) and call('ZCARD', TENDER) > 1 then return 0 end
  call('ZADD', TENDER, now + lease, worker)
  for _, holder in ipairs(call('ZRANGE', TENDER, 0, -1)) do
    if holder < worker then return 2 end
  end
  return 1
end

local number, now = note_beat(ARGV[1]), clock()
local duty = duty_of(ARGV[1], now, tonumber(ARGV[3]) / 1000)
move_due(now, 100)
return {1, duty, call('LLEN', INBOX), number, silent_since(ARGV[4])}
