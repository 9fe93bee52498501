-- Makes a worker known. It is not refused over maxmemory: without workers nothing drains.
-- ARGV: 1 worker, 2 beat (JSON).
-- Returns 1.
pass_maxmemory()
call('HSET', WORKERS, ARGV[1], ARGV[2])
return 1
