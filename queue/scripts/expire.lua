-- The handle deadline of a run has passed: its message goes to `timeout` while the run goes on.
-- ARGV: 1 worker, 2 run id.
-- Returns 1 moved to `timeout`, 2 it stood there already, 3 not in hand.
local worker, id = ARGV[1], ARGV[2]
local payload = call('HGET', HAND, id)
if not payload then return 3 end
local mark = worker .. '/' .. id
if call('HEXISTS', LATE, mark) == 1 then return 2 end
pass_maxmemory()
local mirrored = is_mirrored(id, payload)
if not mirrored and parked_unseen(payload) then
  call('HSET', LATE, mark, payload)
  return 2
end
call('HSET', HAND, id, payload) -- as it stands: if this is refused, it is before anything stands there twice
call('LPUSH', TIMEOUT, payload)
call('HSET', LATE, mark, payload)
if mirrored then call('ZREM', RESERVED, payload) end
release_equal(payload)
return 1
