-- Renews a worker's sign of life, and with it the lease of the worker that tends the channel.
-- ARGV: 1 worker, 2 beat (JSON), 3 lease (ms).
-- Returns {0, 0, 0} when the worker is not registered; else {1, 1 = it tends the channel, messages in its inbox}.
if call('HEXISTS', WORKERS, ARGV[1]) == 0 then return {0, 0, 0} end
pass_maxmemory()
call('HSET', WORKERS, ARGV[1], ARGV[2])
local tender, inbox = call('GET', TENDER), call('LLEN', INBOX)
if tender and tender ~= ARGV[1] then return {1, 0, inbox} end
call('SET', TENDER, ARGV[1], 'PX', ARGV[3])
return {1, 1, inbox}
