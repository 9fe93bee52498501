-- Renews a worker's sign of life, and with it the lease of the worker that tends the channel. All beats
-- of a channel are numbered in one row, so that a worker that remembers the number of one of its own
-- sees who has not beaten since.
-- ARGV: 1 worker, 2 beat (JSON), 3 lease (ms), 4 number of an earlier beat of this worker (0 = none).
-- Returns {0, 0, 0} when the worker is not registered; else {1, 1 = it tends the channel, messages in its
--   inbox, number of this beat, {worker, number of its last beat, that beat, ...} of those without one since ARGV[4]}.
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

local number = note_beat(ARGV[1])
local tender, inbox, silent = call('GET', TENDER), call('LLEN', INBOX), silent_since(ARGV[4])
if tender and tender ~= ARGV[1] then return {1, 0, inbox, number, silent} end
call('SET', TENDER, ARGV[1], 'PX', ARGV[3])
return {1, 1, inbox, number, silent}
