-- Ends a run that went well after its handle deadline: its message leaves `timeout`.
-- ARGV: 1 worker, 2 run id.
-- Returns 1 it stands nowhere any more, 2 it was not in `timeout` any more (somebody reloaded it), 3 not in hand.
-- The mark goes first: if a later command is refused, a repetition must not take another copy.
local worker, id = ARGV[1], ARGV[2]
local payload = call('HGET', HAND, id)
if not payload then return 3 end
pass_maxmemory()
local gone = 1
if is_late(worker, id, payload) then
  call('HDEL', LATE, worker .. '/' .. id)
  gone = call('LREM', TIMEOUT, 1, payload)
end
if gone == 1 then call('HDEL', REDELIVERED, redis.sha1hex(payload)) end
let_go(worker, id, payload)
return gone == 1 and 1 or 2
