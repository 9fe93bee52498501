-- The handle deadline of a run has passed, and its message is to stay in hand until the run ends: from
-- now on nobody may take it for overdue.
-- ARGV: 1 worker, 2 run id.
-- Returns 1 held, 2 it stands in `timeout` already, marked late, 3 not in hand.
local worker, id = ARGV[1], ARGV[2]
local payload = call('HGET', HAND, id)
if not payload then return 3 end
local mark = worker .. '/' .. id
local stands = call('HGET', LATE, mark)
if stands then return stands == HELD and 1 or 2 end
pass_maxmemory()
local mirrored = is_mirrored(id, payload)
local parked = not mirrored and parked_unseen(payload) -- by a Hyperf consumer whose clock is ahead
call('HSET', LATE, mark, HELD)
if mirrored then call('ZREM', RESERVED, payload) end
if parked then call('LREM', TIMEOUT, 1, payload) end
release_equal(payload)
return 1
