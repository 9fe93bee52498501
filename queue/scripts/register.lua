-- Makes a worker known. It is not refused over maxmemory: without workers nothing drains.
-- ARGV: 1 worker, 2 beat (JSON).
-- Returns the number of this first beat.
pass_maxmemory()
call('HSET', WORKERS, ARGV[1], ARGV[2])
return note_beat(ARGV[1])
