-- Ends a run whose message is not to be tried again.
-- ARGV: 1 worker, 2 run id, 3 reason.
-- Returns 1 moved to `failed`, 2 late: stays in `timeout`, 3 not in hand.
local worker, id = ARGV[1], ARGV[2]
local payload = call('HGET', HAND, id)
if not payload then return 3 end
pass_maxmemory()

if is_late(worker, id, payload) then
  let_go(worker, id, payload)
  return 2
end
explain(payload, ARGV[3], worker)
call('LPUSH', FAILED, payload)
let_go(worker, id, payload)
return 1
