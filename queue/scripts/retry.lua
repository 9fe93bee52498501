-- Ends a run that is to be tried again later, with a new payload (an attempt more) or with its own.
-- ARGV: 1 worker, 2 run id, 3 delay (ms), 4 payload (absent = unchanged).
-- Returns 1 moved to `delayed` (or beside it), 2 late: stays in `timeout`, 3 not in hand.
local worker, id = ARGV[1], ARGV[2]
local payload = call('HGET', HAND, id)
if not payload then return 3 end
pass_maxmemory()

if is_late(worker, id, payload) then
  let_go(worker, id, payload)
  return 2
end
local due, body = clock() + tonumber(ARGV[3]) / 1000, ARGV[4] or payload
if call('ZADD', DELAYED, 'NX', due, body) == 0 then
  call('ZADD', BESIDE, due, worker .. '/' .. id .. ':' .. body)
end
let_go(worker, id, payload)
return 1
